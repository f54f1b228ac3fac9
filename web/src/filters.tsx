import { useMemo, useState } from "preact/hooks";
import type { Column } from "./data";
import { title, unit, useColumns, useShared } from "./hooks";
import { ODD_FIRST, type Query, UNKNOWN, formatQuery, formatRange, parseQuery } from "./query";

const FIRST = ["dataset", "outcome", "sex", "age_years", "qc", "rating"];
const SORTS = ["oddness", "age_years", "brain_mask_ml", "gm_ml", "cjv", "snr_wm", "template_correlation", "dataset"];

export function useQuery(fixed: Partial<Query["words"]> = {}): Query {
  const { corpus, at } = useShared();
  return useMemo(() => {
    const query = parseQuery(at.params, corpus);
    for (const [name, values] of Object.entries(fixed)) query.words[name] ??= values!;
    return query;
  }, [at, corpus]);
}

export function go(view: string, query: Query, extra: Record<string, string> = {}, replace = false) {
  const params = formatQuery(query);
  const more = new URLSearchParams(extra).toString();
  const all = [params, more].filter(Boolean).join("&");
  const hash = `#/${view}${all ? `?${all}` : ""}`;
  if (!replace) location.hash = hash;
  else { history.replaceState(null, "", hash); dispatchEvent(new HashChangeEvent("hashchange")); }
}

export function Filters({ query, view, count, total, extra = {}, hide = [] }: {
  query: Query; view: string; count: number; total: number; extra?: Record<string, string>; hide?: string[];
}) {
  const { corpus } = useShared();
  const [adding, setAdding] = useState("");
  const names = corpus.about.columns.filter((one) => !["scan_id", "path", "odd_order", "odd_why"].includes(one.name)).map((one) => one.name);
  const set = (change: Partial<Query>, replace = false) => go(view, { ...query, ...change }, extra, replace);
  const drop = (name: string) => {
    const words = { ...query.words }, ranges = { ...query.ranges };
    delete words[name]; delete ranges[name];
    set({ words, ranges });
  };
  const active = [...Object.keys(query.words), ...Object.keys(query.ranges)].filter((name) => !hide.includes(name));
  const sorts = [...new Set([...SORTS.filter((one) => names.includes(one)), ...names])];
  return (
    <div class="filters">
      <div class="filterline">
        <input type="search" aria-label="Search dataset, path or id" placeholder="Search dataset, path or id" value={query.search}
          onInput={(event) => set({ search: event.currentTarget.value }, true)} />
        <label class="pick">
          <span class="hidden">Add a filter</span>
          <select value="" onChange={(event) => setAdding(event.currentTarget.value)}>
            <option value="">+ Filter</option>
            <optgroup label="Often">{FIRST.filter((one) => one === "rating" || names.includes(one)).map((name) => <option value={name}>{title(name)}</option>)}</optgroup>
            <optgroup label="All columns">{names.filter((one) => !FIRST.includes(one)).map((name) => <option value={name}>{title(name)}</option>)}</optgroup>
          </select>
        </label>
        <label class="pick">
          <span class="quiet">Order</span>
          <select value={query.sort} aria-label="Order" onChange={(event) => set({ sort: event.currentTarget.value })}>
            <option value={ODD_FIRST}>odd ones first</option>
            {sorts.flatMap((name) => [
              <option value={name}>{title(name)} ↑</option>,
              <option value={`-${name}`}>{title(name)} ↓</option>,
            ])}
          </select>
        </label>
        <output class="count"><b>{count.toLocaleString("en-GB")}</b> of {total.toLocaleString("en-GB")}</output>
      </div>
      {(active.length > 0 || adding) && (
        <div class="chips">
          {active.map((name) => (
            <span class="chip" key={name}>
              <button class="chipname" onClick={() => setAdding(name)} title="Change this filter">
                {title(name)}: {query.ranges[name] ? `${formatRange(query.ranges[name]!).replace("..", " – ").replace(")", "")} ${unit(name)}` : query.words[name]!.join(" or ")}
              </button>
              <button class="x" aria-label={`Remove the filter on ${title(name)}`} onClick={() => drop(name)}>×</button>
            </span>
          ))}
          {active.length > 1 && <button class="plain" onClick={() => set({ words: {}, ranges: {} })}>clear all</button>}
        </div>
      )}
      {adding && <Editor key={adding} name={adding} query={query} done={() => setAdding("")} set={set} />}
    </div>
  );
}

function Editor({ name, query, set, done }: {
  name: string; query: Query; set: (change: Partial<Query>) => void; done: () => void;
}) {
  const { corpus } = useShared();
  const number = corpus.fact(name)?.kind === "number";
  const columns = useColumns(corpus, name === "rating" ? [] : [name]);
  return (
    <fieldset class="editor">
      <legend>{title(name)} {unit(name) && <span class="quiet">{unit(name)}</span>}</legend>
      {corpus.fact(name)?.about && <p class="quiet">{corpus.fact(name)!.about}</p>}
      {!columns ? <p class="quiet">…</p> : number ? <Numbers column={columns.get(name)!} {...{ name, query, set }} />
        : <Words values={name === "rating" ? ["accept", "doubt", "reject"].map((one) => [one, -1] as const) : counts(columns.get(name)!)} {...{ name, query, set }} />}
      <button onClick={done}>Done</button>
    </fieldset>
  );
}

function counts(column: Column): (readonly [string, number])[] {
  const found = new Uint32Array(column.values.length);
  for (const code of column.codes) if (code !== column.none) found[code]!++;
  return column.values.map((value, at) => [value, found[at]!] as const).sort((a, b) => b[1] - a[1]);
}

function Words({ name, values, query, set }: {
  name: string; values: (readonly [string, number])[]; query: Query; set: (change: Partial<Query>) => void;
}) {
  const [part, setPart] = useState("");
  const chosen = query.words[name] ?? [];
  const toggle = (value: string) => {
    const next = chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value];
    const words = { ...query.words, [name]: next };
    if (!next.length) delete words[name];
    set({ words });
  };
  const seen = values.filter(([value]) => value.toLowerCase().includes(part.toLowerCase())).slice(0, 60);
  return (
    <>
      {values.length > 12 && <input type="search" placeholder="Which?" aria-label={`Which ${title(name)}`} onInput={(event) => setPart(event.currentTarget.value)} />}
      <div class="options">
        {[...seen, [UNKNOWN, -1] as const].map(([value, count]) => (
          <label key={value}>
            <input type="checkbox" checked={chosen.includes(value)} onChange={() => toggle(value)} />
            <span>{value || "(empty)"}</span>{count >= 0 && <span class="quiet">{count.toLocaleString("en-GB")}</span>}
          </label>
        ))}
      </div>
      {values.length > seen.length && <p class="quiet">{values.length - seen.length} more: type to find them</p>}
    </>
  );
}

function Numbers({ name, column, query, set }: {
  name: string; column: Column; query: Query; set: (change: Partial<Query>) => void;
}) {
  const known = useMemo(() => {
    let low = Infinity, high = -Infinity;
    for (const value of column.numbers!) { if (value < low) low = value; if (value > high) high = value; }
    return { low, high };
  }, [column]);
  const range = query.ranges[name] ?? { low: -Infinity, high: Infinity, open: false };
  const change = (end: "low" | "high", text: string) => {
    const value = text === "" || Number.isNaN(Number(text)) ? (end === "low" ? -Infinity : Infinity) : Number(text);
    const next = { ...range, open: false, [end]: value };
    const ranges = { ...query.ranges, [name]: next };
    if (next.low === -Infinity && next.high === Infinity) delete ranges[name];
    set({ ranges });
  };
  const shown = (value: number) => (Number.isFinite(value) ? String(value) : "");
  return (
    <div class="ends">
      <label>from <input type="number" step="any" value={shown(range.low)} placeholder={shown(Number(known.low.toPrecision(4)))} onChange={(event) => change("low", event.currentTarget.value)} /></label>
      <label>to <input type="number" step="any" value={shown(range.high)} placeholder={shown(Number(known.high.toPrecision(4)))} onChange={(event) => change("high", event.currentTarget.value)} /></label>
    </div>
  );
}
