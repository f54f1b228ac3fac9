// What is on the screen, to take along: its rows as CSV, and the condition that chooses them elsewhere.
import { useState } from "preact/hooks";
import type { Column, Corpus } from "./data";
import { useShared } from "./hooks";
import { type Query, UNKNOWN } from "./query";

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
// of the report alone: a corpus that is opened has other names for them, or has only samples that are done
const QC: Record<string, string> = { pass: "qc_pass", look: "not qc_pass" };
const ONLY_HERE = ["reason", "qc_reasons", "oddness", "odd_in", "voxel_mm", "license"];

/** The condition in SQL, as `where=` takes it, and the filters that it can't hold. */
export function whereOf(query: Query, corpus: Corpus): { where: string; lost: string[] } {
  const parts: string[] = [], lost: string[] = [];
  for (const [name, values] of Object.entries(query.words)) {
    if (name === "outcome") { if (values.join() !== "done") lost.push(name); continue; }
    if (ONLY_HERE.includes(name)) { lost.push(name); continue; }
    const known = values.filter((one) => one !== UNKNOWN);
    const empty = name === "rating" ? "rating = ''" : `${name} is null`;
    const either = [];
    if (name === "qc") either.push(...known.map((one) => QC[one]!));
    else if (corpus.fact(name)?.kind === "text" && known.every((one) => one === "yes" || one === "no") && name.startsWith("age_")) either.push(...known.map((one) => (one === "yes" ? name : `not ${name}`)));
    else if (known.length === 1) either.push(`${name} = ${quoted(known[0]!)}`);
    else if (known.length) either.push(`${name} in (${known.map(quoted).join(", ")})`);
    if (values.includes(UNKNOWN)) either.push(empty);
    parts.push(either.length > 1 ? `(${either.join(" or ")})` : either[0]!);
  }
  for (const [name, { low, high, open }] of Object.entries(query.ranges)) {
    if (ONLY_HERE.includes(name)) { lost.push(name); continue; }
    if (Number.isFinite(low)) parts.push(`${name} >= ${low}`);
    if (Number.isFinite(high)) parts.push(`${name} ${open ? "<" : "<="} ${high}`);
  }
  for (const word of query.search.split(/\s+/).filter(Boolean)) parts.push(`contains(lower(dataset || '/' || path || ' ' || scan_id), ${quoted(word.toLowerCase())})`);
  return { where: parts.join(" and "), lost };
}

/** A cell; one that a spreadsheet would take for a formula gets a ' before it. */
function cell(column: Column, row: number): string {
  if (column.numbers) return Number.isFinite(column.numbers[row]!) ? String(column.numbers[row]) : "";
  const text = column.word(row), guarded = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

async function csv(corpus: Corpus, rows: Uint32Array, ratings: Record<string, [string, string]>): Promise<Blob> {
  const names = corpus.about.columns.map((one) => one.name).filter((name) => !["odd_order", "rating"].includes(name));
  const columns = await Promise.all(names.map((name) => corpus.column(name)));
  const ids = await corpus.column("scan_id");
  const lines = [[...names, "rating"].join(",")];
  for (const row of rows) lines.push([...columns.map((column) => cell(column, row)), ratings[ids.word(row)]?.[0] ?? ""].join(","));
  return new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" });
}

export function Selection({ rows, query }: { rows: Uint32Array; query: Query }) {
  const { corpus, rater: { ratings } } = useShared();
  const [open, setOpen] = useState(false);
  const { where, lost } = whereOf(query, corpus);
  const save = async () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await csv(corpus, rows, ratings));
    link.download = `${corpus.about.name}-selection.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  const shell = `allbrains export ${corpus.about.name} --to out${where && ` --where "${where.replace(/[\\$"`]/g, "\\$&")}"`}`;
  const python = `allbrains.open(${JSON.stringify(corpus.about.name)}${where && `, where=${JSON.stringify(where)}`})`;
  return (
    <div class="selection">
      <button onClick={() => void save()}>CSV of these {rows.length.toLocaleString("en-GB")}</button>
      <button aria-expanded={open} onClick={() => setOpen(!open)}>where=</button>
      {open && <dl class="panel">
        <dt>Shell</dt><dd><Copied text={shell} /></dd>
        <dt>Python</dt><dd><Copied text={python} /></dd>
        {lost.length > 0 && <><dt>Not in it</dt><dd>{lost.join(", ")}: known to this report only</dd></>}
      </dl>}
    </div>
  );
}

function Copied({ text }: { text: string }) {
  const [done, setDone] = useState(false);
  return <span class="copied"><code>{text}</code> <button onClick={() => navigator.clipboard?.writeText(text).then(() => setDone(true), () => undefined)}>{done ? "Copied" : "Copy"}</button></span>;
}
