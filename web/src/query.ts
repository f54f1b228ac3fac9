// What is asked for: filters, order and search, to and from the address. Pure but for the cache of orders.
import type { Column, Corpus } from "./data";

export type Range = { low: number; high: number; open: boolean };
export interface Query { search: string; sort: string; words: Record<string, string[]>; ranges: Record<string, Range> }

export const UNKNOWN = "unknown";
export const ODD_FIRST = "odd";
const RESERVED = new Set(["q", "sort", "as", "x", "y", "scan", "at", "view"]);

export interface Place { view: string; id: string; params: URLSearchParams }

/** The hash is `#/view/id?params`. */
export function place(hash: string): Place {
  const [path = "", params = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view = "", id = ""] = path.split("/", 2);
  return { view: view || "overview", id, params: new URLSearchParams(params) };
}

export function parseQuery(params: URLSearchParams, corpus: Corpus): Query {
  const query: Query = { search: params.get("q") ?? "", sort: params.get("sort") ?? ODD_FIRST, words: {}, ranges: {} };
  for (const [name, value] of params) {
    const fact = RESERVED.has(name) ? undefined : corpus.fact(name);
    if (name === "rating" && !fact) (query.words[name] ??= []).push(value);
    if (!fact) continue;
    const range = fact.kind === "number" ? parseRange(value) : null;
    if (range) query.ranges[name] = range;
    else (query.words[name] ??= []).push(value);
  }
  return query;
}

export function formatQuery(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, values] of Object.entries(query.words)) for (const value of values) params.append(name, value);
  for (const [name, range] of Object.entries(query.ranges)) params.append(name, formatRange(range));
  if (query.search) params.set("q", query.search);
  if (query.sort !== ODD_FIRST) params.set("sort", query.sort);
  return params.toString();
}

export function formatRange(range: Range): string {
  const end = (value: number) => (Number.isFinite(value) ? String(value) : "");
  return `${end(range.low)}..${end(range.high)}${range.open ? ")" : ""}`;
}

export function parseRange(text: string): Range | null {
  const found = /^(-?[\d.e+-]*?)\.\.(-?[\d.e+-]*?)(\)?)$/i.exec(text);
  if (!found) return null;
  const low = found[1] === "" ? -Infinity : Number(found[1]);
  const high = found[2] === "" ? Infinity : Number(found[2]);
  return Number.isNaN(low) || Number.isNaN(high) ? null : { low, high, open: found[3] === ")" };
}

/** Names of the columns that a query needs. */
export function needed(query: Query): string[] {
  const names = new Set(["dataset", "path", "scan_id", "outcome"]);
  for (const name of [...Object.keys(query.words), ...Object.keys(query.ranges)]) if (name !== "rating") names.add(name);
  if (query.sort === ODD_FIRST) names.add("odd_order");
  else names.add(query.sort.replace(/^-/, ""));
  return [...names];
}

type Columns = Map<string, Column>;
const orders = new WeakMap<Corpus, Map<string, Uint32Array>>();
const texts = new WeakMap<Corpus, string[]>();

/** All rows in an order; unknown ones last. Kept, so that a filter never sorts. */
function order(corpus: Corpus, sort: string, columns: Columns): Uint32Array {
  let known = orders.get(corpus);
  if (!known) orders.set(corpus, (known = new Map()));
  const found = known.get(sort);
  if (found) return found;
  const rows = corpus.about.rows;
  const keys = new Float64Array(rows);
  if (sort === ODD_FIRST) {
    const odd = columns.get("odd_order")!; // what isn't done has none
    for (let row = 0; row < rows; row++) keys[row] = odd.number(row);
  } else {
    const column = columns.get(sort.replace(/^-/, ""))!;
    const sign = sort.startsWith("-") ? -1 : 1;
    if (column.numbers) for (let row = 0; row < rows; row++) keys[row] = column.numbers[row]! * sign;
    else {
      const ranks = new Float64Array(column.values.length);
      [...column.values.keys()]
        .sort((a, b) => (column.values[a]! < column.values[b]! ? -1 : 1))
        .forEach((value, rank) => { ranks[value] = rank * sign; });
      for (let row = 0; row < rows; row++) keys[row] = column.codes[row] === column.none ? NaN : ranks[column.codes[row]!]!;
    }
  }
  const made = Uint32Array.from({ length: rows }, (_, row) => row).sort((a, b) => {
    const one = keys[a]!, other = keys[b]!;
    if (Number.isNaN(one)) return Number.isNaN(other) ? a - b : 1;
    if (Number.isNaN(other)) return -1;
    return one - other || a - b;
  });
  known.set(sort, made);
  return made;
}

function haystack(corpus: Corpus, columns: Columns): string[] {
  let found = texts.get(corpus);
  if (!found) {
    const dataset = columns.get("dataset")!, path = columns.get("path")!, id = columns.get("scan_id")!;
    const names = new Map(corpus.about.datasets.map((one) => [one.dataset, one.name ?? ""]));
    found = Array.from({ length: corpus.about.rows }, (_, row) =>
      `${dataset.word(row)}/${path.word(row)} ${id.word(row)} ${names.get(dataset.word(row)) ?? ""}`.toLowerCase());
    texts.set(corpus, found);
  }
  return found;
}

/** The rows that a query finds, in its order. */
export function find(corpus: Corpus, query: Query, columns: Columns, ratings: (row: number) => string): Uint32Array {
  const tests: ((row: number) => boolean)[] = [];
  for (const [name, values] of Object.entries(query.words)) {
    if (name === "rating") { tests.push((row) => values.includes(ratings(row) || UNKNOWN)); continue; }
    const column = columns.get(name)!;
    if (column.numbers) { tests.push((row) => Number.isNaN(column.numbers![row]!)); continue; }
    const wanted = new Set(values.map((value) => column.values.indexOf(value)));
    if (values.includes(UNKNOWN)) wanted.add(column.none);
    tests.push((row) => wanted.has(column.codes[row]!));
  }
  for (const [name, { low, high, open }] of Object.entries(query.ranges)) {
    const numbers = columns.get(name)!.numbers!;
    tests.push((row) => numbers[row]! >= low && (open ? numbers[row]! < high : numbers[row]! <= high));
  }
  if (query.search.trim()) {
    const words = query.search.toLowerCase().split(/\s+/).filter(Boolean);
    const text = haystack(corpus, columns);
    tests.push((row) => words.every((word) => text[row]!.includes(word)));
  }
  const rows = order(corpus, query.sort, columns);
  return tests.length ? rows.filter((row) => tests.every((test) => test(row))) : rows;
}
