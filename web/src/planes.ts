// Three planes without WebGL: grey values, an overlay, the mask's outline. Pure but for the canvas.
import type { MapData, Volume } from "./data";

export type Rgb = readonly [number, number, number];
export const TISSUES: { label: string; colour: Rgb }[] = [
  { label: "CSF", colour: [70, 110, 255] }, { label: "grey matter", colour: [60, 190, 90] }, { label: "white matter", colour: [255, 225, 210] },
];
export const OUTLINE: Rgb = [255, 190, 0];
export type Overlay = "none" | "tissue" | "logjac" | "difference";

export const map = (volume: Volume, name: string): MapData | undefined => volume.maps.find((one) => one.name === name);

/** Blue where the brain is smaller than the template's, red where it is larger; `share` from −1 to 1. */
export function diverging(share: number): [number, number, number, number] {
  const s = Math.max(-1, Math.min(1, share)), a = Math.abs(s);
  return s < 0 ? [40, 110, 255, a] : [255, 80, 40, a];
}

/** The plane through a voxel: size, and for each pixel (first row on top) its place in the arrays. */
export function plane(shape: readonly number[], axis: number, index: number): { w: number; h: number; at: (x: number, y: number) => number } {
  const [nx, ny, nz] = shape as [number, number, number];
  if (axis === 0) return { w: ny, h: nz, at: (x, y) => index + nx * (x + ny * (nz - 1 - y)) };
  if (axis === 1) return { w: nx, h: nz, at: (x, y) => x + nx * (index + ny * (nz - 1 - y)) };
  return { w: nx, h: ny, at: (x, y) => x + nx * (ny - 1 - y + ny * index) };
}

export interface Look { overlay: Overlay; opacity: number; outline: boolean }

export function paint(volume: Volume, axis: number, index: number, look: Look): ImageData {
  const { w, h, at } = plane(volume.shape, axis, index);
  const image = new ImageData(w, h);
  const t1w = map(volume, "t1w")?.data, mask = map(volume, "mask")?.data;
  const tissue = look.overlay === "tissue" ? map(volume, "tissue")?.data : undefined;
  const signed = look.overlay === "logjac" || look.overlay === "difference" ? map(volume, look.overlay) : undefined;
  const span = signed ? Math.abs(signed.offset) || 1 : 1;
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
    const place = at(x, y), pixel = 4 * (y * w + x);
    const grey = t1w ? t1w[place]! : 0;
    let r = grey, g = grey, b = grey, a = 0, over: readonly number[] = OUTLINE;
    if (tissue && tissue[place]!) { over = TISSUES[tissue[place]! - 1]!.colour; a = look.opacity; }
    if (signed && (!mask || mask[place])) {
      const [dr, dg, db, strength] = diverging(((signed.data[place]! * signed.scale + signed.offset) / span) * 1.6);
      over = [dr, dg, db]; a = look.opacity * strength;
    }
    if (look.outline && mask && mask[place] && x > 0 && y > 0 && x < w - 1 && y < h - 1
      && !(mask[at(x - 1, y)] && mask[at(x + 1, y)] && mask[at(x, y - 1)] && mask[at(x, y + 1)])) { over = OUTLINE; a = 1; }
    r += (over[0]! - r) * a; g += (over[1]! - g) * a; b += (over[2]! - b) * a;
    image.data[pixel] = r; image.data[pixel + 1] = g; image.data[pixel + 2] = b; image.data[pixel + 3] = 255;
  }
  return image;
}

/** The mask's border voxels, as a map for NiiVue. */
export function border(volume: Volume): Uint8Array | null {
  const mask = map(volume, "mask")?.data;
  if (!mask) return null;
  const [nx, ny, nz] = volume.shape, out = new Uint8Array(mask.length);
  for (let z = 1; z < nz - 1; z++) for (let y = 1; y < ny - 1; y++) for (let x = 1; x < nx - 1; x++) {
    const at = x + nx * (y + ny * z);
    if (mask[at] && !(mask[at - 1] && mask[at + 1] && mask[at - nx] && mask[at + nx] && mask[at - nx * ny] && mask[at + nx * ny])) out[at] = 1;
  }
  return out;
}

/** Where a place (voxels of one volume) is in another one of the same space, in its voxels; both stand upright. */
export function elsewhere(from: Volume, to: Volume, at: readonly number[]): number[] {
  return at.map((index, axis) => {
    const mm = from.affine[axis]![axis]! * index + from.affine[axis]![3]!;
    return Math.max(0, Math.min(to.shape[axis]! - 1, Math.round((mm - to.affine[axis]![3]!) / to.affine[axis]![axis]!)));
  });
}

/** The finer volume with a map `difference`, first − second, in shares of the brighter one's white end. */
export function difference(first: Volume, second: Volume): Volume | null {
  const a = map(first, "t1w"), b = map(second, "t1w");
  if (!a || !b || first.space !== second.space) return null;
  const onto = Math.abs(first.affine[0]![0]!) <= Math.abs(second.affine[0]![0]!) ? first : second;
  const [nx, ny, nz] = onto.shape, most = 255 * Math.max(a.scale, b.scale);
  const places = [first, second].map((volume) => {
    const [sx, sy] = volume.shape, step = [1, sx, sx * sy];
    return onto.shape.map((size, axis) => Int32Array.from({ length: size }, (_, index) =>
      step[axis]! * elsewhere(onto, volume, onto.shape.map((__, one) => (one === axis ? index : 0)))[axis]!));
  });
  const [[ax, ay, az], [bx, by, bz]] = places as [Int32Array[], Int32Array[]];
  const data = new Uint8Array(nx * ny * nz);
  for (let z = 0, at = 0; z < nz; z++) for (let y = 0; y < ny; y++) {
    const rowA = ay![y]! + az![z]!, rowB = by![y]! + bz![z]!;
    for (let x = 0; x < nx; x++, at++) {
      const share = (a.data[rowA + ax![x]!]! * a.scale - b.data[rowB + bx![x]!]! * b.scale) / most;
      data[at] = Math.max(0, Math.min(255, 128 + 127.5 * share));
    }
  }
  return { ...onto, maps: [...onto.maps, { name: "difference", data, scale: 1 / 128, offset: -1 }] };
}

/** A map as the bytes of a NIfTI-1 file. */
export function nifti(volume: Volume, data: Uint8Array, scale: number, offset: number): ArrayBuffer {
  const bytes = new ArrayBuffer(352 + data.length), view = new DataView(bytes);
  view.setInt32(0, 348, true);
  [3, ...volume.shape, 1, 1, 1, 1].forEach((one, at) => view.setInt16(40 + 2 * at, one, true));
  view.setInt16(70, 2, true); view.setInt16(72, 8, true); // uint8
  const spacing = [0, 1, 2].map((axis) => Math.hypot(...[0, 1, 2].map((row) => volume.affine[row]![axis]!)));
  [1, ...spacing, 1, 1, 1, 1].forEach((one, at) => view.setFloat32(76 + 4 * at, one, true));
  view.setFloat32(108, 352, true); view.setFloat32(112, scale, true); view.setFloat32(116, offset, true);
  view.setUint8(123, 2); view.setInt16(254, 4, true); // millimetres; sform of a template
  for (let row = 0; row < 3; row++) for (let k = 0; k < 4; k++) view.setFloat32(280 + 16 * row + 4 * k, volume.affine[row]![k]!, true);
  [0x6e, 0x2b, 0x31, 0].forEach((one, at) => view.setUint8(344 + at, one));
  new Uint8Array(bytes, 352).set(data);
  return bytes;
}
