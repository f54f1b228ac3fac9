import { useMemo, useState } from "preact/hooks";
import { Column, type Corpus, type Volume, shown } from "./data";
import { title, unit, useColumns, usePromise, useShared } from "./hooks";
import { type Look, difference } from "./planes";
import { Scatter } from "./scatter";
import { Planes } from "./viewer";

export function Compare() {
  const { corpus, other, at } = useShared();
  if (!other) return <section><h1>Compare</h1><p class="empty">This report is of one corpus. <code>allbrains report OUT --against OTHER</code>, or <code>allbrains serve OUT --against OTHER</code>, puts another one beside it: the same scans by another recipe, or after a change.</p></section>;
  const scan = at.params.get("scan");
  return scan ? <Pair first={corpus} second={other} scanId={scan} /> : <Both first={corpus} second={other} />;
}

function Both({ first, second }: { first: Corpus; second: Corpus }) {
  const { at } = useShared();
  const names = first.about.columns.filter((one) => one.kind === "number" && second.has(one.name) && one.name !== "size" && !one.name.startsWith("age_")).map((one) => one.name);
  const name = names.includes(at.params.get("y") ?? "") ? at.params.get("y")! : names.find((one) => one === "gm_ml") ?? names[0] ?? "";
  const here = useColumns(first, ["scan_id", "outcome", "dataset", "subject", "session", name]);
  const there = useColumns(second, ["scan_id", "outcome", name]);
  const facts = useMemo(() => (here && there ? paired(here, there, name) : null), [here, there, name]);
  const counts = (columns: Map<string, Column>) => { const c = columns.get("outcome")!; const d = c.values.indexOf("done"); let sum = 0; for (const code of c.codes) if (code === d) sum++; return sum; };
  return (
    <section>
      <h1>Compare</h1>
      <p class="lead"><b>{first.about.name}</b> ({first.about.recipe}) on x, <b>{second.about.name}</b> ({second.about.recipe}) on y, over the scans that are in both.</p>
      {!here || !there || !facts ? <p class="loading">Loading…</p> : (
        <>
          <div class="stats small">
            <div class="stat"><span class="figure">{counts(here).toLocaleString("en-GB")}</span><span class="name">done here</span></div>
            <div class="stat"><span class="figure">{counts(there).toLocaleString("en-GB")}</span><span class="name">done there</span></div>
            <div class="stat"><span class="figure">{facts.rows.length.toLocaleString("en-GB")}</span><span class="name">in both</span></div>
            <div class="stat"><span class="figure">{shown(facts.mean)}</span><span class="name">mean difference</span><span class="quiet">there − here, {unit(name)}</span></div>
            <div class="stat"><span class="figure">± {shown(facts.limits)}</span><span class="name">95 % of differences</span><span class="quiet">1.96 SD around the mean</span></div>
            <div class="stat"><span class="figure">{Number.isFinite(facts.r) ? facts.r.toFixed(3) : "–"}</span><span class="name">correlation</span></div>
          </div>
          <div class="panel wide">
            <h2>{title(name)} <select aria-label="Which number" value={name} onChange={(event) => { location.hash = `#/compare?y=${event.currentTarget.value}`; }}>{names.map((one) => <option value={one}>{title(one)}</option>)}</select></h2>
            <Scatter x={here.get(name)!} y={facts.y} diagonal groups={[{ label: "scan", colour: "--accent", rows: facts.rows }]} xLabel={`${first.about.name}, ${unit(name)}`} yLabel={`${second.about.name}, ${unit(name)}`}
              open={(row) => { location.hash = `#/compare?scan=${here.get("scan_id")!.word(row)}`; }} about={`Scatter of ${title(name)} in both corpora`} />
          </div>
          <div class="scroller" tabIndex={0} role="region" aria-label="Largest differences"><table class="rows">
            <thead><tr><th>Dataset</th><th>Scan</th><th class="number">here</th><th class="number">there</th><th class="number">difference</th></tr></thead>
            <tbody>{facts.worst.slice(0, 100).map((row) => {
              const a = here.get(name)!.number(row), b = facts.y.number(row), id = here.get("scan_id")!.word(row);
              return <tr key={row}><td>{here.get("dataset")!.word(row)}</td><td><a href={`#/compare?scan=${id}`}>sub-{here.get("subject")!.word(row)} {here.get("session")!.word(row)}</a></td><td class="number">{shown(a)}</td><td class="number">{shown(b)}</td><td class="number">{shown(b - a)}</td></tr>;
            })}</tbody>
          </table></div>
        </>
      )}
    </section>
  );
}

function paired(here: Map<string, Column>, there: Map<string, Column>, name: string) {
  const ids = here.get("scan_id")!, others = there.get("scan_id")!, x = here.get(name)!, z = there.get(name)!;
  const at = new Map<string, number>();
  for (let row = 0; row < others.codes.length; row++) at.set(others.word(row), row);
  const numbers = new Float64Array(ids.codes.length).fill(NaN), rows: number[] = [];
  for (let row = 0; row < ids.codes.length; row++) {
    const place = ids.word(row) ? at.get(ids.word(row)) : undefined;
    if (place === undefined) continue;
    numbers[row] = z.number(place);
    if (Number.isFinite(numbers[row]!) && Number.isFinite(x.number(row))) rows.push(row);
  }
  const y = new Column(`${name} there`, numbers, new Uint16Array(0), [], 0);
  const apart = rows.map((row) => numbers[row]! - x.number(row));
  const mean = average(apart), sd = Math.sqrt(average(apart.map((one) => (one - mean) ** 2)) * (rows.length / Math.max(1, rows.length - 1)));
  const mx = average(rows.map((row) => x.number(row))), my = average(rows.map((row) => numbers[row]!));
  const cov = average(rows.map((row) => (x.number(row) - mx) * (numbers[row]! - my)));
  const r = cov / Math.sqrt(average(rows.map((row) => (x.number(row) - mx) ** 2)) * average(rows.map((row) => (numbers[row]! - my) ** 2)));
  const worst = [...rows].sort((a, b) => Math.abs(numbers[b]! - x.number(b) - mean) - Math.abs(numbers[a]! - x.number(a) - mean));
  return { y, rows, mean, limits: 1.96 * sd, r, worst };
}
const average = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;

function Pair({ first, second, scanId }: { first: Corpus; second: Corpus; scanId: string }) {
  const both = first.hasVolume(scanId) && second.hasVolume(scanId);
  const { value, error } = usePromise<[Volume, Volume]>(() => (both ? Promise.all([first.volume(scanId), second.volume(scanId)]) : null), [scanId]);
  const [look, setLook] = useState<Look>({ overlay: "none", opacity: 0.6, outline: true });
  const [at, setAt] = useState<number[] | null>(null);
  const apart = useMemo(() => (value ? difference(value[0], value[1]) : null), [value]);
  const place = at ?? (value ? value[0].shape.map((size) => Math.floor(size / 2)) : []);
  return (
    <section>
      <p class="crumb"><a href="#/compare">Compare</a> / <a href={`#/scan/${scanId}`}>the scan</a></p>
      <h1>One scan, two corpora</h1>
      {!both || error ? (
        <div class="two even">{[first, second].map((one) => <figure class="viewer still"><img src={one.montage(scanId)} alt={`Slices in ${one.about.name}`} /><figcaption>{one.about.name}{error && `: ${error}`}</figcaption></figure>)}</div>
      ) : !value ? <p class="loading">Loading the volumes…</p> : (
        <>
          <div class="toolbar"><div class="tools" role="group" aria-label="Overlay">
            {(["none", "tissue", "logjac"] as const).map((one) => <button aria-pressed={look.overlay === one} onClick={() => setLook({ ...look, overlay: one })}>{{ none: "T1w", tissue: "Tissues", logjac: "Jacobian" }[one]}</button>)}
          </div></div>
          {[[first, value[0]] as const, [second, value[1]] as const].map(([one, volume]) => <div class="viewer"><h2>{one.about.name} <span class="quiet">{one.about.recipe}</span></h2><Planes volume={volume} look={look} at={place} move={setAt} /></div>)}
          {apart ? <div class="viewer"><h2>Difference of the T1w <span class="quiet">red: brighter here; blue: brighter there</span></h2><Planes volume={apart} look={{ overlay: "difference", opacity: 1, outline: false }} at={place} move={setAt} /></div> : <p class="quiet">The two are on different grids: no difference map.</p>}
        </>
      )}
    </section>
  );
}
