import { useMemo, useState } from "preact/hooks";
import { type About, Column, type Corpus, type Volume, shown } from "./data";
import { title, unit, useColumns, usePromise, useShared } from "./hooks";
import { type Look, difference, elsewhere } from "./planes";
import { Scatter } from "./scatter";
import { Planes } from "./viewer";

const ABSENT = "not listed";
const MOST = 100;
type Columns = Map<string, Column>;

export function Compare() {
  const { corpus, other, at } = useShared();
  if (!other) return <section><h1>Compare</h1><p class="empty">This report is of one corpus. <code>allbrains report OUT --against OTHER</code>, or <code>allbrains serve OUT --against OTHER</code>, puts another one beside it: the same scans by another recipe, or after a change.</p></section>;
  const scan = at.params.get("scan");
  return scan ? <Pair first={corpus} second={other} scanId={scan} /> : <Both first={corpus} second={other} />;
}

function Both({ first, second }: { first: Corpus; second: Corpus }) {
  const { at } = useShared();
  const names = first.about.columns.filter((one) => one.kind === "number" && second.fact(one.name)?.kind === "number" && one.name !== "size" && !one.name.startsWith("age_")).map((one) => one.name);
  const name = names.includes(at.params.get("y") ?? "") ? at.params.get("y")! : names.find((one) => one === "gm_ml") ?? names[0] ?? "outcome";
  const here = useColumns(first, ["scan_id", "outcome", "reason", "dataset", "subject", "session", name]);
  const there = useColumns(second, ["scan_id", "outcome", "reason", "dataset", "subject", "session", name]);
  const match = useMemo(() => (here && there ? matched(here, there) : null), [here, there]);
  const facts = useMemo(() => (here && there && match ? paired(here, there, match, name) : null), [here, there, match, name]);
  return (
    <section>
      <h1>Compare</h1>
      <p class="lead"><b>{first.about.name}</b> here, <b>{second.about.name}</b> there.</p>
      <Making first={first.about} second={second.about} />
      {!here || !there || !match || !facts ? <p class="loading">Loading…</p> : (
        <>
          <Ends here={here} there={there} match={match} names={[first.about.name, second.about.name]} />
          {facts.rows.length === 0 ? <p class="empty">No number is known of any scan in both.</p> : <Numbers {...{ first, second, here, facts, name, names }} />}
        </>
      )}
    </section>
  );
}

function Numbers({ first, second, here, facts, name, names }: {
  first: Corpus; second: Corpus; here: Columns; facts: ReturnType<typeof paired>; name: string; names: string[];
}) {
  const few = facts.rows.length < 3;
  return (
    <>
      <div class="panel wide">
        <h2>{title(name)} <select aria-label="Which number" value={name} onChange={(event) => { location.hash = `#/compare?y=${event.currentTarget.value}`; }}>{names.map((one) => <option value={one}>{title(one)}</option>)}</select></h2>
        <div class="stats small">
          <div class="stat"><span class="figure">{facts.rows.length.toLocaleString("en-GB")}</span><span class="name">in both</span><span class="quiet">done, and the number known</span></div>
          <div class="stat"><span class="figure">{shown(facts.mean)}</span><span class="name">mean difference</span><span class="quiet">there − here{unit(name) && `, ${unit(name)}`}</span></div>
          <div class="stat"><span class="figure">{few ? "–" : `± ${shown(facts.limits)}`}</span><span class="name">95 % of differences</span><span class="quiet">1.96 SD around the mean</span></div>
          <div class="stat"><span class="figure">{few || !Number.isFinite(facts.r) ? "–" : facts.r.toFixed(3)}</span><span class="name">correlation</span><span class="quiet">Pearson</span></div>
        </div>
        <Scatter x={here.get(name)!} y={facts.y} diagonal groups={[{ label: "scan", colour: "--accent", rows: facts.rows }]} xLabel={`${first.about.name}, ${unit(name)}`} yLabel={`${second.about.name}, ${unit(name)}`}
          open={(row) => { location.hash = `#/compare?scan=${here.get("scan_id")!.word(row)}`; }} about={`Scatter of ${title(name)} in both corpora`} />
      </div>
      <div class="scroller" tabIndex={0} role="region" aria-label="Largest differences"><table class="rows">
        <caption>Largest differences from the mean difference</caption>
        <thead><tr><th>Dataset</th><th>Scan</th><th class="number">here</th><th class="number">there</th><th class="number">difference</th></tr></thead>
        <tbody>{facts.worst.slice(0, MOST).map((row) => {
          const a = here.get(name)!.number(row), b = facts.y.number(row);
          return <tr key={row}><td>{here.get("dataset")!.word(row)}</td><td><Name columns={here} row={row} /></td><td class="number">{shown(a)}</td><td class="number">{shown(b)}</td><td class="number">{shown(b - a)}</td></tr>;
        })}</tbody>
      </table></div>
    </>
  );
}

function Name({ columns, row }: { columns: Columns; row: number }) {
  const session = columns.get("session")!.word(row);
  return <a href={`#/compare?scan=${columns.get("scan_id")!.word(row)}`}>sub-{columns.get("subject")!.word(row)}{session && ` ses-${session}`}</a>;
}

/** How the two were made: what is the same in one line, what differs in rows. */
function Making({ first, second }: { first: About; second: About }) {
  const facts: [string, string, string][] = [
    ["Recipe", `${first.recipe} ${first.fingerprint.slice(0, 12)}`, `${second.recipe} ${second.fingerprint.slice(0, 12)}`],
    ["Space", first.space, second.space],
    ["Grid", first.shape.join(" × "), second.shape.join(" × ")],
    ["Maps", first.maps.join(", "), second.maps.join(", ")],
    ...steps(first.steps, second.steps),
  ];
  const apart = facts.filter(([, a, b]) => a !== b), same = facts.slice(0, 4).filter(([, a, b]) => a === b);
  return (
    <div class="panel making">
      <h2>How they were made {apart.length === 0 && <span class="quiet">in the same way</span>}</h2>
      {same.length > 0 && <p class="quiet">The same: {same.map(([word, value]) => `${word.toLowerCase()} ${value}`).join("; ")}.</p>}
      {apart.length > 0 && <div class="bare" tabIndex={0} role="region" aria-label="What differs"><table class="rows"><thead><tr><th>What differs</th><th>here</th><th>there</th></tr></thead>
        <tbody>{apart.map(([word, a, b]) => <tr key={word}><td>{word}</td><td class="wrap">{a || "–"}</td><td class="wrap">{b || "–"}</td></tr>)}</tbody></table></div>}
    </div>
  );
}

interface Step { step: string; version: number; settings: Record<string, unknown> }
/** Each step that is in one recipe only or set otherwise: its name, and how it is set in both where it differs. */
function steps(first: string, second: string): [string, string, string][] {
  let one: Step[], other: Step[];
  try { one = JSON.parse(first) as Step[]; other = JSON.parse(second) as Step[]; } catch { return []; }
  const told = (own: Step | undefined, beside: Step | undefined) => {
    if (!own) return "";
    if (!beside) return `version ${own.version}`;
    const names = Object.keys(own.settings).filter((name) => JSON.stringify(own.settings[name]) !== JSON.stringify(beside.settings[name]));
    return [...(own.version === beside.version ? [] : [`version ${own.version}`]), ...names.map((name) => `${name} ${JSON.stringify(own.settings[name])}`)].join(", ");
  };
  return [...new Set([...one, ...other].map((step) => step.step))].map((name) => {
    const a = one.find((step) => step.step === name), b = other.find((step) => step.step === name);
    return [`Step ${name}`, told(a, b), told(b, a)] as [string, string, string];
  }).filter(([, a, b]) => a !== b);
}

interface Match { pairs: { here: number; there: number }[] }
/** Each scan of either corpus, with its row in both; −1 where it isn't listed. */
function matched(here: Columns, there: Columns): Match {
  const ids = here.get("scan_id")!, others = there.get("scan_id")!;
  const at = new Map<string, number>();
  for (let row = 0; row < others.codes.length; row++) if (others.word(row)) at.set(others.word(row), row);
  const pairs: Match["pairs"] = [];
  for (let row = 0; row < ids.codes.length; row++) {
    const id = ids.word(row);
    if (!id) continue;
    pairs.push({ here: row, there: at.get(id) ?? -1 });
    at.delete(id);
  }
  for (const row of at.values()) pairs.push({ here: -1, there: row });
  return { pairs };
}

/** What became of each scan here and there; a pair of outcomes leads to its scans. */
function Ends({ here, there, match, names }: { here: Columns; there: Columns; match: Match; names: [string, string] }) {
  const { at } = useShared();
  const groups = useMemo(() => {
    const found = new Map<string, Match["pairs"]>();
    const end = (columns: Columns, row: number) => (row < 0 ? ABSENT : columns.get("outcome")!.word(row));
    for (const one of match.pairs) {
      const key = `${end(here, one.here)}\n${end(there, one.there)}`;
      const known = found.get(key);
      if (known) known.push(one); else found.set(key, [one]);
    }
    return [...found].map(([key, pairs]) => { const [a, b] = key.split("\n") as [string, string]; return { a, b, pairs }; }).sort((x, y) => y.pairs.length - x.pairs.length);
  }, [here, there, match]);
  const chosen = groups.find((one) => one.a === at.params.get("here") && one.b === at.params.get("there"));
  const reason = (columns: Columns, row: number) => (row < 0 ? "" : columns.get("reason")!.word(row));
  return (
    <div class="panel ends-of-both">
      <h2>What became of the scans <span class="quiet">here → there</span></h2>
      <ul class="reasons">{groups.map(({ a, b, pairs }) => (
        <li key={a + b}><a href={`#/compare?${new URLSearchParams(chosen?.a === a && chosen.b === b ? {} : { here: a, there: b })}`} aria-current={chosen?.a === a && chosen.b === b ? "true" : undefined} class={a === b ? "" : "apart"}>
          <span class={`badge ${a.replace(" ", "")}`}>{a}</span> → <span class={`badge ${b.replace(" ", "")}`}>{b}</span> <b>{pairs.length.toLocaleString("en-GB")}</b></a></li>
      ))}</ul>
      {chosen && (
        <div class="bare" tabIndex={0} role="region" aria-label="Scans of this pair of outcomes"><table class="rows">
          <thead><tr><th>Dataset</th><th>Scan</th><th>{names[0]}</th><th>{names[1]}</th></tr></thead>
          <tbody>{chosen.pairs.slice(0, MOST).map((one) => {
            const [columns, row] = one.here < 0 ? [there, one.there] as const : [here, one.here] as const;
            return <tr key={`${one.here} ${one.there}`}><td>{columns.get("dataset")!.word(row)}</td><td><Name columns={columns} row={row} /></td>
              <td>{chosen.a} {reason(here, one.here) && <code>{reason(here, one.here)}</code>}</td><td>{chosen.b} {reason(there, one.there) && <code>{reason(there, one.there)}</code>}</td></tr>;
          })}</tbody>
        </table>{chosen.pairs.length > MOST && <p class="quiet">The first {MOST} of {chosen.pairs.length.toLocaleString("en-GB")}.</p>}</div>
      )}
    </div>
  );
}

function paired(here: Columns, there: Columns, match: Match, name: string) {
  const x = here.get(name)!, z = there.get(name)!;
  const numbers = new Float64Array(here.get("scan_id")!.codes.length).fill(NaN), rows: number[] = [];
  for (const one of match.pairs) {
    if (one.here < 0 || one.there < 0) continue;
    numbers[one.here] = z.number(one.there);
    if (Number.isFinite(numbers[one.here]!) && Number.isFinite(x.number(one.here))) rows.push(one.here);
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

interface State { outcome: string; reason: string; name: string }
/** What a corpus knows of a scan; null until it is read. */
function useEnd(corpus: Corpus, scanId: string): State | null {
  const columns = useColumns(corpus, ["scan_id", "outcome", "reason", "dataset", "subject", "session"]);
  return useMemo(() => {
    if (!columns) return null;
    const id = columns.get("scan_id")!, code = id.values.indexOf(scanId), row = code < 0 ? -1 : id.codes.indexOf(code as never);
    if (row < 0) return { outcome: ABSENT, reason: "", name: "" };
    const word = (name: string) => columns.get(name)!.word(row);
    return { outcome: word("outcome"), reason: word("reason"), name: `${word("dataset")} sub-${word("subject")}${word("session") && ` ses-${word("session")}`}` };
  }, [columns, scanId]);
}

function Pair({ first, second, scanId }: { first: Corpus; second: Corpus; scanId: string }) {
  const here = useEnd(first, scanId), there = useEnd(second, scanId);
  const wanted = (corpus: Corpus, state: State | null) => state?.outcome === "done" && corpus.hasVolume(scanId);
  const both = wanted(first, here) && wanted(second, there);
  const { value, error } = usePromise<[Volume, Volume]>(() => (both ? Promise.all([first.volume(scanId), second.volume(scanId)]) : null), [scanId, both]);
  if (!here || !there) return <p class="loading">Loading…</p>;
  return (
    <section>
      <p class="crumb"><a href="#/compare">Compare</a>{here.outcome !== ABSENT && <> / <a href={`#/scan/${scanId}`}>the scan</a></>}</p>
      <h1>{here.name || there.name || "One scan"} <span class="quiet">in two corpora</span></h1>
      {both && !error ? (value ? <Beside {...{ first, second, value }} /> : <p class="loading">Loading the volumes…</p>)
        : <div class="two even">{([[first, here], [second, there]] as const).map(([corpus, state]) => <Still key={corpus.base} {...{ corpus, state, scanId, error }} />)}</div>}
    </section>
  );
}

/** The picture of a scan, or why there is none. */
function Still({ corpus, state, scanId, error }: { corpus: Corpus; state: State; scanId: string; error: string }) {
  const [means, todo] = corpus.about.advice[state.reason] ?? ["", ""];
  return (
    <figure class="viewer still">
      <h2>{corpus.about.name} <span class="quiet">{corpus.about.recipe}</span></h2>
      {state.outcome === "done" ? <img src={corpus.montage(scanId)} alt={`Slices in ${corpus.about.name}`} />
        : <p><span class={`badge ${state.outcome.replace(" ", "")}`}>{state.outcome}</span> {state.reason && <code>{state.reason}</code>} {means} {todo.replaceAll("`", "")}</p>}
      <figcaption>{error || (state.outcome === "done" ? "The pictures only: the volumes of both are not in this folder." : "")}</figcaption>
    </figure>
  );
}

function Beside({ first, second, value }: { first: Corpus; second: Corpus; value: [Volume, Volume] }) {
  const [look, setLook] = useState<Look>({ overlay: "none", opacity: 0.6, outline: true });
  const [at, setAt] = useState<number[]>(() => value[0].shape.map((size) => Math.floor(size / 2)));
  const apart = useMemo(() => difference(value[0], value[1]), [value]);
  const together = value[0].space === value[1].space;
  const volumes = [[first, value[0]], [second, value[1]]] as const;
  const planes = (volume: Volume, how: Look) => <Planes volume={volume} look={how} at={together ? elsewhere(value[0], volume, at) : undefined} move={together ? (to) => setAt(elsewhere(volume, value[0], to)) : undefined} />;
  return (
    <>
      <div class="toolbar"><div class="tools" role="group" aria-label="Overlay">
        {(["none", "tissue", "logjac"] as const).map((one) => <button aria-pressed={look.overlay === one} onClick={() => setLook({ ...look, overlay: one })}>{{ none: "T1w", tissue: "Tissues", logjac: "Jacobian" }[one]}</button>)}
      </div></div>
      {volumes.map(([one, volume]) => <div class="viewer"><h2>{one.about.name} <span class="quiet">{one.about.recipe}, {volume.shape.join(" × ")}</span></h2>{planes(volume, look)}</div>)}
      {apart ? <div class="viewer"><h2>Difference of the T1w <span class="quiet">red: brighter here; blue: brighter there</span></h2>{planes(apart, { overlay: "difference", opacity: 1, outline: false })}</div> : <p class="quiet">The two are in different spaces ({value[0].space} and {value[1].space}): no difference map.</p>}
    </>
  );
}
