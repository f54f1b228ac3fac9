// Data scripts: asking for one, and taking its container apart (report/packing.py says how it is made).

export interface ColumnFact { name: string; kind: "number" | "text"; about: string }
export interface DatasetFact {
  dataset: string; snapshot?: string; name?: string; license?: string; license_spdx?: string; doi?: string; scans?: number;
}
export interface About {
  name: string; version: string; recipe: string; fingerprint: string; steps: string; space: string;
  shape: [number, number, number]; maps: string[]; rows: number; perChunk: number; columns: ColumnFact[];
  limits: Record<string, [number | null, number | null]>; datasets: DatasetFact[];
  advice: Record<string, [string, string]>; volumes: string[] | null; served: boolean; mosaics: boolean; montages: boolean; other: string | null;
}
export interface Receipt {
  field: string; source: string; column: string; raw: string; rule: string; confidence: string;
  unit_declared: string; unit_inferred: string; value: string;
}
export interface Cost { attempt: number; step: string; cpu_s: number; wall_s: number; mb: number }
export interface Detail { texts: Record<string, string>; log: string[]; receipts: Receipt[]; costs: Cost[] }
export interface MapData { name: string; scale: number; offset: number; data: Uint8Array }
export interface Volume {
  space: string; shape: [number, number, number]; affine: number[][]; maps: MapData[];
}
export type Ratings = Record<string, [string, string]>;

interface Header { kind: string; buffers: number[]; [key: string]: unknown }
interface Container { header: Header; buffers: Uint8Array[] }

/** One column: numbers with NaN for unknown, or codes into values, `none` for unknown. */
export class Column {
  constructor(
    readonly name: string,
    readonly numbers: Float32Array | Float64Array | null,
    readonly codes: Uint16Array | Uint32Array,
    readonly values: string[],
    readonly none: number,
  ) {}
  /** The word of a row, empty where unknown. */
  word(row: number): string {
    if (this.numbers) return shown(this.numbers[row]!);
    const code = this.codes[row]!;
    return code === this.none ? "" : this.values[code]!;
  }
  /** Whether anything is known of a row; much cheaper than asking for its word. */
  known(row: number): boolean {
    return this.numbers ? !Number.isNaN(this.numbers[row]!) : this.codes[row] !== this.none && this.values[this.codes[row]!] !== "";
  }
  number(row: number): number { return this.numbers ? this.numbers[row]! : NaN; }
}

/** A number for people: four digits that mean something. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return "";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return value.toLocaleString("en-GB");
  if (size >= 1000) return Math.round(value).toLocaleString("en-GB");
  if (size >= 100) return value.toFixed(1);
  if (size >= 0.01) return String(Number(value.toPrecision(3)));
  return value === 0 ? "0" : value.toExponential(1);
}

const waiting = new Map<string, (data: string) => void>();
(window as unknown as { allbrains: object }).allbrains = {
  put(_name: string, data: string) {
    const key = (document.currentScript as HTMLScriptElement | null)?.dataset.key ?? "";
    waiting.get(key)?.(data);
  },
};

export function loadScript(path: string, key = path): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = path;
    script.dataset.key = key;
    script.onload = () => { script.remove(); resolve(); };
    script.onerror = () => { script.remove(); reject(new Error(`${path} can't be loaded`)); };
    document.head.append(script);
  });
}

async function container(path: string, fresh = false): Promise<Container> {
  let text: string | undefined;
  waiting.set(path, (data) => { text = data; });
  await loadScript(fresh ? `${path}?${Date.now()}` : path, path);
  waiting.delete(path);
  if (text === undefined) throw new Error(`${path} holds no data`);
  const letters = atob(text), packed = new Uint8Array(letters.length);
  for (let at = 0; at < packed.length; at++) packed[at] = letters.charCodeAt(at); // Uint8Array.from takes ten times as long
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(stream).arrayBuffer();
  const size = new DataView(bytes).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, size))) as Header;
  let start = 4 + size;
  const buffers = header.buffers.map((length) => {
    const one = new Uint8Array(bytes, start, length);
    start += Math.ceil(length / 8) * 8;
    return one;
  });
  return { header, buffers };
}

/** A corpus' data, below a folder of its own: the report's, or that of the one to compare with. */
export class Corpus {
  readonly ready = new Map<string, Column>();
  private held = new Map<string, Promise<unknown>>();
  private volumes = new Map<string, Promise<Volume>>();
  private constructor(readonly base: string, readonly about: About) {}

  static async open(base: string): Promise<Corpus> {
    const found = await container(`${base}data/about.js`);
    return new Corpus(base, found.header.value as About);
  }
  has(name: string): boolean { return this.about.columns.some((one) => one.name === name); }
  fact(name: string): ColumnFact | undefined { return this.about.columns.find((one) => one.name === name); }

  column(name: string): Promise<Column> {
    return this.fetched(name).then((column) => { this.ready.set(name, column); return column; });
  }
  private fetched(name: string): Promise<Column> {
    const number = this.about.columns.findIndex((one) => one.name === name);
    return this.once(`column ${name}`, async () => {
      if (number < 0) return new Column(name, null, new Uint16Array(this.about.rows).fill(65535), [], 65535);
      const { header, buffers } = await container(`${this.base}data/column/${number.toString(16)}.js`);
      const bytes = buffers[0]!;
      const whole = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
      if (header.kind === "numbers") {
        const array = header.type === "f8" ? new Float64Array(whole) : new Float32Array(whole);
        return new Column(name, array, new Uint16Array(0), [], 0);
      }
      const codes = header.type === "u2" ? new Uint16Array(whole) : new Uint32Array(whole);
      return new Column(name, null, codes, header.values as string[], header.type === "u2" ? 65535 : 4294967295);
    });
  }
  details(row: number): Promise<Detail> {
    const chunk = Math.floor(row / this.about.perChunk);
    const all = this.once(`details ${chunk}`, async () => {
      const found = await container(`${this.base}data/details/${chunk.toString(16)}.js`);
      return found.header.value as Detail[];
    });
    return all.then((list) => list[row % this.about.perChunk]!);
  }
  async ratings(): Promise<Ratings> {
    return (await container(`${this.base}data/ratings.js`, true)).header.value as Ratings;
  }
  hasVolume(scanId: string): boolean {
    return this.about.volumes === null || this.about.volumes.includes(scanId);
  }
  volume(scanId: string): Promise<Volume> {
    const known = this.volumes.get(scanId);
    if (known) return known;
    const made = container(`${this.base}data/volume/${scanId}.js`).then(({ header, buffers }) => ({
      space: header.space as string,
      shape: header.shape as [number, number, number],
      affine: header.affine as number[][],
      maps: (header.maps as Omit<MapData, "data">[]).map((one, at) => ({ ...one, data: buffers[at]! })),
    }));
    this.volumes.set(scanId, made);
    // a volume is 20 MB in memory: the last few are enough to go back and forth
    if (this.volumes.size > 3) this.volumes.delete(this.volumes.keys().next().value!);
    return made;
  }
  hasMosaic(scanId: string): boolean { return this.about.mosaics && this.hasVolume(scanId); }
  mosaic(scanId: string, kind: "jpg" | "png"): string { return `${this.base}mosaics/${scanId.slice(0, 2)}/${scanId}.${kind}`; }
  montage(scanId: string): string { return `${this.base}montages/${scanId.slice(0, 2)}/${scanId}.jpg`; }

  private once<T>(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.held.get(key) as Promise<T> | undefined;
    if (known) return known;
    const made = make();
    this.held.set(key, made);
    made.catch(() => this.held.delete(key));
    return made;
  }
}
