import { useMemo, useRef } from "preact/hooks";
import { type Column, type Cost, type Detail, type Receipt, shown } from "./data";
import { useFound } from "./gallery";
import { useQuery } from "./filters";
import { title, unit, useColumns, usePromise, useShared } from "./hooks";
import { Log, OUTCOMES, Prose } from "./missing";
import { Mosaic, useOutlines } from "./pictures";
import { formatQuery } from "./query";
import { RateBar, useRatingKeys } from "./rating";
import { Viewer } from "./viewer";

const FEWEST = 20; // of fewer scans a percentile is a step of five and more
const ACCESSION = /^ds\d{6}$/;
const WHOLE = ["brain_mask_ml", "icv_ml", "gm_ml", "wm_ml", "csf_ml"]; // before the parts
const NUMBER_LAST = ["size", "voxels", "age_years", "age_low", "age_high", "oddness", "odd_order"];

export function ScanPage() {
  const { corpus, at } = useShared();
  const query = useQuery();
  const { columns, found } = useFound(query);
  const row = useMemo(() => {
    const id = columns?.get("scan_id");
    const code = id ? id.values.indexOf(at.id) : -1;
    return code < 0 ? -1 : id!.codes.indexOf(code as never);
  }, [columns, at.id]);
  const noteRef = useRef<HTMLInputElement>(null);
  const word = (name: string) => (row < 0 ? "" : columns!.get(name)!.word(row));
  const params = formatQuery(query);
  const here = found ? found.indexOf(row) : -1;
  const near = (step: number) => {
    for (let place = here + step; found && here >= 0 && place >= 0 && place < found.length; place += step) {
      const id = columns!.get("scan_id")!.word(found[place]!);
      if (id) return `#/scan/${id}${params ? `?${params}` : ""}`;
    }
    return undefined;
  };
  const name = `${word("dataset")} sub-${word("subject")}${word("session") && ` ses-${word("session")}`}`;
  const done = word("outcome") === "done";
  const move = (step: number) => () => { const next = near(step); if (next) location.hash = next; };
  const [, toggle] = useOutlines();
  useRatingKeys(done ? at.id : "", name, noteRef, () => undefined, { ArrowRight: move(1), j: move(1), ArrowLeft: move(-1), k: move(-1), m: toggle });
  if (!columns || !found) return <p class="loading">Loading…</p>;
  if (row < 0) return <section><h1>No such scan</h1><p>This report has no scan with the id <code>{at.id}</code>. <a href="#/brains">All brains</a></p></section>;
  const people = [Number.isFinite(columns.get("age_years")!.number(row)) ? `${word("age_years")} years` : "", word("sex")].filter(Boolean).join(", ");
  return (
    <section class="scan">
      <header class="head">
        <div>
          <p class="crumb"><a href={`#/brains${params ? `?${params}` : ""}`}>Brains</a> / {word("dataset")}</p>
          <h1>sub-{word("subject")}{word("session") && ` ses-${word("session")}`} <span class="quiet">{people}</span></h1>
          <p class="path quiet">{word("path")}</p>
        </div>
        <nav class="tools" aria-label="Neighbours">
          <a class="button" href={near(-1)} aria-disabled={!near(-1)}>← Before</a>
          <a class="button" href={near(1)} aria-disabled={!near(1)}>Next →</a>
        </nav>
      </header>
      {!done && <Missing row={row} word={word} />}
      <div class={done ? "two" : "two alone"}>
        <div class="main">
          {done && <Viewer key={at.id} corpus={corpus} scanId={at.id} plainFirst={at.params.get("view") === "planes"} wants3d={at.params.get("view") === "3d"} />}
          {done && <Mosaic corpus={corpus} scanId={at.id} who={name} />}
          {done && <RateBar scanId={at.id} name={name} noteRef={noteRef} />}
          {done && <p class="keys quiet"><kbd>a</kbd> accept <kbd>d</kbd> doubt <kbd>r</kbd> reject <kbd>u</kbd> undo the last <kbd>n</kbd> note <kbd>m</kbd> outlines <kbd>←</kbd> <kbd>→</kbd> move</p>}
          {done && <Metrics row={row} />}
        </div>
        <aside><Facts row={row} word={word} /></aside>
      </div>
    </section>
  );
}

function Missing({ row, word }: { row: number; word: (name: string) => string }) {
  const { corpus } = useShared();
  const { value } = usePromise<Detail>(() => corpus.details(row), [row]);
  const [means, todo] = corpus.about.advice[word("reason")] ?? [OUTCOMES[word("outcome")] ?? "", ""];
  return (
    <div class="notice">
      <h2><span class={`badge ${word("outcome").replace(" ", "")}`}>{word("outcome")}</span> {word("reason") && <code>{word("reason")}</code>}</h2>
      <p>{means}</p>
      {value?.texts.detail && <pre>{value.texts.detail}</pre>}
      {todo && <p><b>What to do.</b> <Prose text={todo} /></p>}
      {value && value.log.length > 0 && <Log lines={value.log} open />}
    </div>
  );
}

function Metrics({ row }: { row: number }) {
  const { corpus } = useShared();
  const names = corpus.about.columns.filter((one) => one.kind === "number" && !NUMBER_LAST.includes(one.name)).map((one) => one.name);
  const columns = useColumns(corpus, ["outcome", ...names]);
  if (!columns) return <div class="panel"><h2>Numbers</h2><p class="loading">Loading…</p></div>;
  const limits = corpus.about.limits;
  const groups: [string, string[]][] = [
    ["Volumes", [...WHOLE.filter((name) => names.includes(name)), ...names.filter((name) => name.endsWith("_ml") && !WHOLE.includes(name))]],
    ["Quality", names.filter((name) => name in limits && !name.endsWith("_ml"))],
    ["Other numbers", names.filter((name) => !(name in limits) && !name.endsWith("_ml"))],
  ];
  return <>{groups.filter(([, own]) => own.length).map(([heading, own]) => (
    <details class="panel" open={heading !== "Other numbers"} key={heading}>
      <summary><h2>{heading} <span class="quiet">and their place in this corpus</span></h2></summary>
      <div class="metrics">{own.map((name) => <Metric key={name} row={row} column={columns.get(name)!} outcome={columns.get("outcome")!} />)}</div>
    </details>
  ))}</>;
}

const spreads = new WeakMap<Column, Float64Array>();
function known(column: Column, outcome: Column): Float64Array {
  let found = spreads.get(column);
  if (!found) {
    const done = outcome.values.indexOf("done");
    found = Float64Array.from(column.numbers!).filter((value, row) => outcome.codes[row] === done && Number.isFinite(value)).sort();
    spreads.set(column, found);
  }
  return found;
}
function rank(sorted: Float64Array, value: number): number {
  let low = 0, high = sorted.length;
  while (low < high) { const middle = (low + high) >> 1; if (sorted[middle]! < value) low = middle + 1; else high = middle; }
  let same = low;
  while (same < sorted.length && sorted[same] === value) same++;
  return sorted.length ? (low + same) / 2 / sorted.length : NaN;
}

function Metric({ row, column, outcome }: { row: number; column: Column; outcome: Column }) {
  const { corpus } = useShared();
  const value = column.number(row);
  const sorted = known(column, outcome);
  if (!sorted.length) return null;
  const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  const low = Math.min(quantile(0.01), value || Infinity), high = Math.max(quantile(0.99), value || -Infinity);
  const at = (one: number) => (high > low ? Math.max(0, Math.min(100, ((one - low) / (high - low)) * 100)) : 50);
  const many = sorted.length >= FEWEST;
  const share = Math.round(rank(sorted, value) * 100);
  const limit = corpus.about.limits[column.name];
  const out = limit && !(value >= (limit[0] ?? -Infinity) && value <= (limit[1] ?? Infinity));
  const name = column.name;
  const told = corpus.fact(name)?.about;
  return (
    <div class={`metric ${out ? "out" : ""}`}>
      <span class="name" title={`${name}${told && told !== "Number of the recipe" ? `: ${told}` : ""}`}>{title(name)}</span>
      <span class="value">{Number.isFinite(value) ? <>{shown(value)} <span class="quiet">{unit(name)}</span></> : <span class="quiet">not measured</span>}</span>
      <span class="strip" role="img" aria-label={!Number.isFinite(value) ? "no value" : many ? `percentile ${share} of ${sorted.length}` : `one of ${sorted.length}: too few for a percentile`}>
        {many && <i class="box" style={{ left: `${at(quantile(0.25))}%`, width: `${at(quantile(0.75)) - at(quantile(0.25))}%` }} />}
        <i class="middle" style={{ left: `${at(quantile(0.5))}%` }} />
        {Number.isFinite(value) && <i class="dot" style={{ left: `${at(value)}%` }} />}
      </span>
      <span class="rank">{Number.isFinite(value) && (out ? <span class="badge look" title={`limits ${limit![0] ?? "…"} to ${limit![1] ?? "…"}`}>outside {limit![0] ?? "…"}–{limit![1] ?? "…"}</span> : !many ? <span class="quiet">of {sorted.length}</span> : high > low ? <span class="quiet">P{share}</span> : <span class="quiet">all alike</span>)}</span>
    </div>
  );
}

function Facts({ row, word }: { row: number; word: (name: string) => string }) {
  const { corpus } = useShared();
  const { value: detail } = usePromise<Detail>(() => corpus.details(row), [row]);
  const names = ["sex", "age_years", "age_low", "age_high", "age_capped", "handedness", "group", "group_word", "diagnosis", "diagnosis_code", "species", "snapshot", "acquisition", "run", "license", "voxel_mm", "field_strength_t", "manufacturer", "scanner_model", "size"].filter((name) => corpus.has(name));
  const columns = useColumns(corpus, names);
  const dataset = word("dataset"), snapshot = columns?.get("snapshot")?.word(row) ?? "";
  const about = corpus.about.datasets.find((one) => one.dataset === dataset);
  const public_ = ACCESSION.test(dataset);
  const version = /^\d[\w.-]*$/.test(snapshot) ? snapshot : ""; // a folder of one's own has none
  const doi = /^(?:doi:|https:\/\/doi\.org\/)?(10\.\d{4,9}\/[\w.;()/:-]+)$/i.exec(about?.doi ?? "")?.[1] ?? ""; // none is made up
  return (
    <>
      <div class="panel">
        <h2>{dataset}</h2>
        <p>{about?.name}</p>
        <p class="links">
          {public_ && <a rel="noopener noreferrer" target="_blank" href={`https://openneuro.org/datasets/${dataset}${version ? `/versions/${version}` : ""}`}>OpenNeuro ↗</a>}
          {doi && <a rel="noopener noreferrer" target="_blank" href={`https://doi.org/${doi}`}>doi:{doi} ↗</a>}
          <a href={`#/brains?${new URLSearchParams({ dataset })}`}>all its scans here</a>
        </p>
        <dl>{columns && names.filter((name) => !["", "no"].includes(columns.get(name)!.word(row))).map((name) => <><dt>{title(name)}</dt><dd>{columns.get(name)!.word(row)} <span class="quiet">{unit(name)}</span></dd></>)}</dl>
      </div>
      {detail && <Receipts receipts={detail.receipts} />}
      <Provenance costs={detail?.costs ?? []} texts={detail?.texts ?? {}} id={word("scan_id")} />
    </>
  );
}

function Receipts({ receipts }: { receipts: Receipt[] }) {
  return (
    <div class="panel">
      <h2>Receipts <span class="quiet">where the labels come from</span></h2>
      {receipts.length === 0 && <p class="quiet">No table of the dataset says anything of this participant.</p>}
      {receipts.map((one) => (
        <div class="receipt">
          <b>{one.field}</b> <span class="quiet">from</span> {one.source} <span class="quiet">column</span> <code>{one.column}</code> = <code>{one.raw || "(empty)"}</code>
          <div class="quiet">rule {one.rule}, confidence {one.confidence}{one.unit_declared && `, unit ${one.unit_declared}`}{one.unit_inferred && `, taken as ${one.unit_inferred}`}</div>
        </div>
      ))}
    </div>
  );
}

function Provenance({ costs, texts, id }: { costs: Cost[]; texts: Record<string, string>; id: string }) {
  const { corpus } = useShared();
  const about = corpus.about;
  const rest = Object.entries(texts).filter(([name]) => !["detail", "digest", "allbrains_version"].includes(name));
  const wall = costs.reduce((sum, one) => sum + one.wall_s, 0), cpu = costs.reduce((sum, one) => sum + one.cpu_s, 0);
  const peak = Math.max(0, ...costs.map((one) => one.mb));
  const most = Math.max(...costs.map((one) => one.wall_s), 0.001);
  return (
    <div class="panel">
      <h2>Provenance</h2>
      <dl>
        <dt>Recipe</dt><dd>{about.recipe} <code>{about.fingerprint.slice(0, 12)}</code></dd>
        <dt>Made by</dt><dd>allbrains {texts.allbrains_version ?? about.version}</dd>
        <dt>Scan id</dt><dd><code class="wrap">{id}</code></dd>
        {texts.digest && <><dt>Digest</dt><dd><code class="wrap">{texts.digest}</code></dd></>}
        {costs.length > 0 && <><dt>Cost</dt><dd>{wall.toFixed(0)} s, {cpu.toFixed(0)} CPU s, {peak.toFixed(0)} MB</dd></>}
      </dl>
      {costs.length > 0 && (
        <details><summary>Steps</summary>
          <ul class="bars">{costs.map((one) => (
            <li><span class="bar" style={{ width: `${(one.wall_s / most) * 100}%` }} /><span class="word">{one.step}{one.attempt > 1 && ` (try ${one.attempt})`}</span><span class="figure">{one.wall_s.toFixed(1)} s · {one.mb.toFixed(0)} MB</span></li>
          ))}</ul>
        </details>
      )}
      <details><summary>Settings of the recipe</summary><pre>{pretty(about.steps)}</pre></details>
      {rest.length > 0 && <details><summary>All texts</summary><dl>{rest.map(([name, text]) => <><dt>{name}</dt><dd class="wrap">{text}</dd></>)}</dl></details>}
    </div>
  );
}

function pretty(text: string): string {
  try { return JSON.stringify(JSON.parse(text), null, 1); } catch { return text; }
}
