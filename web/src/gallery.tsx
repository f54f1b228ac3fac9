import { useMemo, useRef } from "preact/hooks";
import { type Column, shown } from "./data";
import { Filters, go, useQuery } from "./filters";
import { title, unit, useColumns, useShared, useWidth, useWindow } from "./hooks";
import { Selection } from "./selection";
import { ODD_FIRST, type Query, find, formatQuery, needed } from "./query";

const ASPECT = 384 / 1036; // of a montage: six slices beside each other, twice
const GAP = 14, CAPTION = 68, ROW = 36;
const TOLD = ["dataset", "path", "scan_id", "outcome", "reason", "subject", "session", "age_years", "sex", "qc", "qc_reasons", "odd_why", "oddness"];

/** The rows that the address asks for. */
export function useFound(query: Query) {
  const { corpus, rater: { ratings } } = useShared();
  const names = [...new Set([...TOLD, ...needed(query)])];
  const columns = useColumns(corpus, names);
  const found = useMemo(() => {
    if (!columns) return null;
    const id = columns.get("scan_id")!;
    const begun = performance.now();
    const rows = find(corpus, query, columns, (row) => ratings[id.word(row)]?.[0] ?? "");
    performance.measure("filter", { start: begun, end: performance.now() });
    return rows;
  }, [columns, query, query.words.rating ? ratings : null]);
  return { columns, found };
}

export function Gallery() {
  const { corpus, at } = useShared();
  const query = useQuery({ outcome: ["done"] });
  const asked = useQuery();
  const as = at.params.get("as") === "table" ? "table" : "grid";
  const real = at.params.toString() ? asked : query; // the plain address shows brains; a search shows what it finds
  const { columns, found } = useFound(real);
  const extra: Record<string, string> = as === "table" ? { as } : {};
  return (
    <section>
      <header class="head">
        <h1>Brains</h1>
        <div class="tools" role="group" aria-label="Show as">
          <button aria-pressed={as === "grid"} onClick={() => go("brains", real)}>Pictures</button>
          <button aria-pressed={as === "table"} onClick={() => go("brains", real, { as: "table" })}>Table</button>
          <a class="button" href={`#/review?${formatQuery(real)}`}>Review these</a>
        </div>
      </header>
      <Filters query={real} view="brains" count={found?.length ?? 0} total={corpus.about.rows} extra={extra} />
      {found && found.length > 0 && <Selection rows={found} query={real} />}
      {!columns || !found ? <p class="loading">Loading…</p> : found.length === 0 ? <p class="empty">Nothing fits these filters.</p>
        : as === "grid" ? <Grid rows={found} columns={columns} query={real} /> : <Table rows={found} columns={columns} query={real} names={tableNames(real, corpus.about.columns.map((one) => one.name))} view="brains" extra={extra} />}
    </section>
  );
}

function tableNames(query: Query, known: string[]): string[] {
  const asked = [...Object.keys(query.ranges), ...Object.keys(query.words), query.sort.replace(/^-/, "")];
  const usual = ["dataset", "path", "age_years", "sex", "qc", "brain_mask_ml", "gm_ml", "wm_ml", "csf_ml", "cjv", "oddness"];
  return [...new Set([...usual, ...asked])].filter((one) => known.includes(one));
}

function Grid({ rows, columns, query }: { rows: Uint32Array; columns: Map<string, Column>; query: Query }) {
  const { ref, width } = useWidth<HTMLDivElement>();
  const seen = useWindow(ref);
  const across = Math.max(1, Math.floor((width + GAP) / (330 + GAP)));
  const cell = (width - GAP * (across - 1)) / across;
  const high = Math.round(cell * ASPECT) + CAPTION;
  const lines = Math.ceil(rows.length / across);
  const first = Math.max(0, Math.floor(seen.top / (high + GAP)) - 1);
  const last = Math.min(lines, Math.ceil((seen.top + seen.height) / (high + GAP)) + 1);
  const cells = [];
  if (width) for (let place = first * across; place < Math.min(last * across, rows.length); place++) {
    const line = Math.floor(place / across);
    cells.push(
      <Card key={rows[place]} row={rows[place]!} columns={columns} query={query}
        style={{ left: `${(place % across) * (cell + GAP)}px`, top: `${line * (high + GAP)}px`, width: `${cell}px`, height: `${high}px` }} />,
    );
  }
  return <div class="grid" ref={ref} style={{ height: `${lines * (high + GAP)}px` }}>{cells}</div>;
}

function Card({ row, columns, query, style }: { row: number; columns: Map<string, Column>; query: Query; style: Record<string, string> }) {
  const { corpus, rater: { ratings } } = useShared();
  const word = (name: string) => columns.get(name)?.word(row) ?? "";
  const id = word("scan_id"), done = word("outcome") === "done", look = word("qc") === "look";
  const who = `sub-${word("subject")}${word("session") ? ` ses-${word("session")}` : ""}`;
  const sorted = query.sort === ODD_FIRST ? "" : query.sort.replace(/^-/, "");
  const params = formatQuery(query);
  const link = id ? `#/scan/${id}${params ? `?${params}` : ""}` : undefined;
  const age = columns.get("age_years")!.number(row);
  const people = [Number.isFinite(age) ? `${shown(age)} y` : "", word("sex")].filter(Boolean).join(", ");
  return (
    <a class="card" href={link} style={style}>
      {done && corpus.about.montages ? <img src={corpus.montage(id)} loading="lazy" decoding="async" alt={`Slices of ${word("dataset")} ${who}: T1w above, tissues below`} />
        : <div class="nopicture"><b>{done ? "no picture" : word("outcome")}</b><span>{done ? "this corpus was built without" : word("reason")}</span></div>}
      <div class="caption">
        <span class="one"><b>{word("dataset")}</b> <span class="ellipsis">{id ? who : word("path")}</span></span>
        <span class="two">
          <span class="ellipsis quiet">{people || "no demographics"}{sorted && !["dataset", "age_years", "sex"].includes(sorted) && ` · ${title(sorted)} ${word(sorted)} ${unit(sorted)}`}</span>
          {ratings[id]?.[0] && <span class={`badge ${ratings[id]![0]}`}>{ratings[id]![0]}</span>}
          {look && <span class="badge look" title={`Outside its limits: ${word("qc_reasons")}`}>look: {word("qc_reasons").split(", ").map(title).slice(0, 2).join(", ")}</span>}
        </span>
      </div>
    </a>
  );
}

export function Table({ rows, columns, query, names, view, extra = {} }: {
  rows: Uint32Array; columns: Map<string, Column>; query: Query; names: string[]; view: string; extra?: Record<string, string>;
}) {
  const { corpus } = useShared();
  const more = useColumns(corpus, names);
  const ref = useRef<HTMLDivElement>(null);
  const seen = useWindow(ref);
  const first = Math.max(0, Math.floor(seen.top / ROW) - 10);
  const last = Math.min(rows.length, Math.ceil((seen.top + seen.height) / ROW) + 10);
  const ids = columns.get("scan_id")!;
  const params = formatQuery(query);
  const body = [];
  if (more) for (let place = first; place < last; place++) {
    const row = rows[place]!, id = ids.word(row);
    body.push(
      <tr key={row} style={{ height: `${ROW}px` }}>
        {names.map((name, at) => {
          const column = more.get(name)!;
          const text = column.word(row);
          return <td class={column.numbers ? "number" : ""} title={text}>{at === 0 && id ? <a href={`#/scan/${id}${params ? `?${params}` : ""}`}>{text}</a> : name === "qc" && text === "look" ? <span class="badge look">look</span> : text}</td>;
        })}
      </tr>,
    );
  }
  return (
    <div class="scroller" ref={ref} tabIndex={0} role="region" aria-label="Table of scans">
      <table class="rows" aria-rowcount={rows.length}>
        <thead><tr>{names.map((name) => {
          const now = query.sort === name ? "ascending" : query.sort === `-${name}` ? "descending" : "none";
          return <th aria-sort={now}><button class="sort" onClick={() => go(view, { ...query, sort: now === "descending" ? name : `-${name}` }, extra)}>{title(name)} <span class="quiet">{unit(name)}</span>{now === "ascending" ? " ↑" : now === "descending" ? " ↓" : ""}</button></th>;
        })}</tr></thead>
        <tbody>
          <tr style={{ height: `${first * ROW}px` }} aria-hidden="true" />
          {body}
          <tr style={{ height: `${(rows.length - last) * ROW}px` }} aria-hidden="true" />
        </tbody>
      </table>
    </div>
  );
}
