import { useMemo } from "preact/hooks";
import { type Column, shown } from "./data";
import { title, unit, useColumns, useShared } from "./hooks";
import { OUTCOMES } from "./missing";
import { Scatter } from "./scatter";

const WANTED = ["outcome", "reason", "dataset", "age_years", "sex", "handedness", "group", "diagnosis", "qc", "field_strength_t", "manufacturer", "scanner_model", "voxel_mm", "license", "brain_mask_ml", "gm_ml", "wm_ml", "csf_ml"];
const ACQUIRED = [["field_strength_t", "Field strengths (T)"], ["manufacturer", "Manufacturers"], ["scanner_model", "Scanners"]] as const;
const n = (value: number) => value.toLocaleString("en-GB");
const link = (words: Record<string, string>, view = "brains") => `#/${view}?${new URLSearchParams(words)}`;

export function Overview() {
  const { corpus } = useShared();
  const columns = useColumns(corpus, WANTED.filter((name) => corpus.has(name)));
  const about = corpus.about;
  return (
    <section class="overview">
      <header class="title">
        <h1>{about.name}</h1>
        <p class="quiet">recipe {about.recipe} · {about.space} · {about.shape.join(" × ")} · maps {about.maps.join(", ")} · allbrains {about.version}</p>
      </header>
      {columns ? <Loaded columns={columns} /> : <p class="loading">Loading…</p>}
    </section>
  );
}

function Loaded({ columns }: { columns: Map<string, Column> }) {
  const { corpus } = useShared();
  const facts = useMemo(() => tally(columns), [columns]);
  const count = (outcome: string) => facts.outcomes.get(outcome) ?? 0;
  const planned = count("done") + count("rejected") + count("failed") + count("pending");
  const listed = planned + count("not planned");
  const done = facts.done;
  return (
    <>
      <Funnel listed={listed} planned={planned} count={count} reasons={facts.reasons} />
      {done.length === 0 ? <p class="empty">No sample is done yet.</p> : (
        <div class="panels">
          <Pyramid columns={columns} done={done} />
          <Completeness columns={columns} done={done} />
          <Bars heading="Datasets" name="dataset" columns={columns} done={done} tell={(value) => corpus.about.datasets.find((one) => one.dataset === value)?.name ?? ""} />
          <VolumesByAge columns={columns} done={done} />
          <Bars heading="Quality" name="qc" columns={columns} done={done} tell={(value) => (value === "look" ? "some number is outside its limits" : value === "pass" ? "all numbers within their limits" : "")} />
          <Bars heading="Voxel sizes (mm)" name="voxel_mm" columns={columns} done={done} />
          <Bars heading="Licences" name="license" columns={columns} done={done} />
          {ACQUIRED.filter(([name]) => facts.known(name)).map(([name, heading]) => <Bars key={name} heading={heading} name={name} columns={columns} done={done} />)}
          {ACQUIRED.some(([name]) => !facts.known(name)) && (
            <div class="panel"><h2>Not known in this corpus</h2><p class="quiet">{ACQUIRED.filter(([name]) => !facts.known(name)).map(([, heading]) => heading[0]!.toLowerCase() + heading.slice(1)).join(", ")}. <code>allbrains catalog --sidecars</code> reads how scans were acquired.</p></div>
          )}
        </div>
      )}
    </>
  );
}

function tally(columns: Map<string, Column>) {
  const outcome = columns.get("outcome")!, reason = columns.get("reason")!;
  const outcomes = new Map<string, number>(), reasons = new Map<string, Map<string, number>>();
  const done: number[] = [];
  for (let row = 0; row < outcome.codes.length; row++) {
    const word = outcome.word(row);
    outcomes.set(word, (outcomes.get(word) ?? 0) + 1);
    if (word === "done") done.push(row);
    else if (reason.word(row)) {
      const of = reasons.get(word) ?? new Map<string, number>();
      of.set(reason.word(row), (of.get(reason.word(row)) ?? 0) + 1);
      reasons.set(word, of);
    }
  }
  const known = (name: string) => { const column = columns.get(name); return !!column && done.some((row) => column.known(row)); };
  return { outcomes, reasons, done, known };
}

function Funnel({ listed, planned, count, reasons }: {
  listed: number; planned: number; count: (outcome: string) => number; reasons: Map<string, Map<string, number>>;
}) {
  const step = (name: string, number: number, words: [string, string][], view: string, note: string) => (
    <a class={`stat ${name.replace(" ", "")}`} href={`#/${view}?${new URLSearchParams(words.map(([a, b]) => [a, b]))}`}>
      <span class="figure">{n(number)}</span><span class="name">{name}</span><span class="quiet">{note}</span>
    </a>
  );
  const all = (...names: string[]): [string, string][] => names.map((one) => ["outcome", one]);
  return (
    <div class="funnel">
      <div class="stats">
        {step("listed", listed, all("done", "rejected", "failed", "pending", "not planned"), "brains", count("excluded") ? `${n(count("excluded"))} files left out before` : "in the catalogue")}
        {step("planned", planned, all("done", "rejected", "failed", "pending"), "brains", count("not planned") ? `${n(count("not planned"))} not asked for` : "all that is listed")}
        {step("done", count("done"), all("done"), "brains", planned ? `${((count("done") / planned) * 100).toFixed(1)} % of the planned` : "")}
        {step("rejected", count("rejected"), all("rejected"), "missing", "for good, with a reason")}
        {step("failed", count("failed"), all("failed"), "missing", "may be tried again")}
        {step("pending", count("pending"), all("pending"), "missing", "not run yet")}
      </div>
      <p class="sum">{n(listed)} listed = {n(planned)} planned + <a href={link({ outcome: "not planned" }, "missing")}>{n(count("not planned"))} not asked for</a>; {n(planned)} planned = {n(count("done"))} done + {n(count("rejected"))} rejected + {n(count("failed"))} failed + {n(count("pending"))} pending. Left out: <a href={link({ outcome: "excluded" }, "missing")}>{n(count("excluded"))} files</a>; gaps of the catalogue: <a href={link({ outcome: "gap" }, "missing")}>{n(count("gap"))}</a>.</p>
      {[...reasons.entries()].filter(([, of]) => of.size).length > 0 && (
        <ul class="reasons">
          {["rejected", "failed", "excluded", "gap"].flatMap((outcome) => [...(reasons.get(outcome) ?? [])].sort((a, b) => b[1] - a[1]).map(([reason, number]) => (
            <li key={outcome + reason}><a href={link({ outcome, reason }, "missing")} title={OUTCOMES[outcome]}><span class={`badge ${outcome}`}>{outcome}</span> <code>{reason}</code> <b>{n(number)}</b></a></li>
          )))}
        </ul>
      )}
    </div>
  );
}

function Bars({ heading, name, columns, done, tell, most = 12 }: {
  heading: string; name: string; columns: Map<string, Column>; done: number[]; tell?: (value: string) => string; most?: number;
}) {
  const column = columns.get(name);
  const bars = useMemo(() => {
    const counts = new Map<string, number>();
    if (column) for (const row of done) {
      const word = column.numbers && !Number.isNaN(column.numbers[row]!) ? String(Number(column.numbers[row]!.toPrecision(3))) : column.word(row);
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    return [...counts.entries()].sort((a, b) => b[1] - a[1]);
  }, [column, done]);
  if (!column || !bars.length) return null;
  const top = bars[0]![1];
  const rest = bars.slice(most).reduce((sum, [, number]) => sum + number, 0);
  const words = (value: string): Record<string, string> => {
    if (value === "") return { outcome: "done", [name]: "unknown" };
    return { outcome: "done", [name]: column.numbers ? `${Number(value) * 0.995}..${Number(value) * 1.005}` : value };
  };
  return (
    <div class="panel">
      <h2>{heading} <span class="quiet">{n(bars.length)}</span></h2>
      <ul class="bars">
        {bars.slice(0, most).map(([value, number]) => (
          <li key={value}>
            <a href={link(words(value))} title={tell?.(value) || value}>
              <span class="bar" style={{ width: `${(number / top) * 100}%` }} />
              <span class="word">{value || "unknown"} <span class="quiet">{tell?.(value)}</span></span><span class="figure">{n(number)}</span>
            </a>
          </li>
        ))}
        {rest > 0 && <li class="quiet rest">{n(bars.length - most)} more with {n(rest)} scans</li>}
      </ul>
    </div>
  );
}

function Pyramid({ columns, done }: { columns: Map<string, Column>; done: number[] }) {
  const age = columns.get("age_years"), sex = columns.get("sex");
  const { bins, unknown } = useMemo(() => {
    const bins = new Map<number, { male: number; female: number; rest: number }>();
    let unknown = 0;
    if (age) for (const row of done) {
      const value = age.number(row);
      if (Number.isNaN(value)) { unknown++; continue; }
      const low = Math.floor(value / 5) * 5;
      const bin = bins.get(low) ?? { male: 0, female: 0, rest: 0 };
      const who = sex?.word(row);
      bin[who === "male" || who === "female" ? who : "rest"]++;
      bins.set(low, bin);
    }
    return { bins, unknown };
  }, [age, sex, done]);
  const lows = [...bins.keys()].sort((a, b) => b - a);
  if (!lows.length) return <div class="panel"><h2>Age and sex</h2><p class="quiet">No scan's age is known.</p></div>;
  const all = [];
  for (let low = lows[0]!; low >= lows.at(-1)!; low -= 5) all.push(low);
  const top = Math.max(...[...bins.values()].flatMap((one) => [one.male, one.female + one.rest]));
  const range = (low: number) => `${low}..${low + 5})`;
  return (
    <div class="panel">
      <h2>Age and sex <span class="quiet">scans that are done</span></h2>
      <div class="pyramid" role="table" aria-label="Scans by age and sex">
        <div class="line headline" role="row"><span role="columnheader">male</span><span role="columnheader">years</span><span role="columnheader">female{[...bins.values()].some((one) => one.rest) && <span class="quiet"> and unknown</span>}</span></div>
        {all.map((low) => {
          const bin = bins.get(low) ?? { male: 0, female: 0, rest: 0 };
          return (
            <div class="line" role="row" key={low}>
              <span class="side left" role="cell"><span class="number">{bin.male || ""}</span><a href={link({ outcome: "done", sex: "male", age_years: range(low) })} aria-label={`${bin.male} male, ${low} to ${low + 4} years`} class="m" style={{ width: `${(bin.male / top) * 78}%` }} /></span>
              <span class="years" role="rowheader">{low}–{low + 4}</span>
              <span class="side" role="cell">
                <a href={link({ outcome: "done", sex: "female", age_years: range(low) })} aria-label={`${bin.female} female, ${low} to ${low + 4} years`} class="f" style={{ width: `${(bin.female / top) * 78}%` }} />
                {bin.rest > 0 && <a href={link({ outcome: "done", sex: "unknown", age_years: range(low) })} aria-label={`${bin.rest} of unknown sex, ${low} to ${low + 4} years`} class="u" style={{ width: `${(bin.rest / top) * 78}%` }} />}
                <span class="number">{bin.female + bin.rest || ""}</span>
              </span>
            </div>
          );
        })}
      </div>
      {unknown > 0 && <p class="quiet"><a href={link({ outcome: "done", age_years: "unknown" })}>{n(unknown)} of unknown age</a></p>}
    </div>
  );
}

function Completeness({ columns, done }: { columns: Map<string, Column>; done: number[] }) {
  const names = ["age_years", "sex", "handedness", "group", "field_strength_t"].filter((name) => columns.has(name));
  return (
    <div class="panel">
      <h2>How much is known <span class="quiet">of {n(done.length)} scans</span></h2>
      <ul class="shares">
        {names.map((name) => {
          const column = columns.get(name)!;
          const known = done.reduce((sum, row) => sum + (column.known(row) ? 1 : 0), 0);
          return (
            <li key={name}>
              <span>{title(name)}</span>
              <span class="track"><span style={{ width: `${(known / done.length) * 100}%` }} /></span>
              <span class="figure">{((known / done.length) * 100).toFixed(0)} %</span>
              {known < done.length ? <a href={link({ outcome: "done", [name]: "unknown" })}>{n(done.length - known)} unknown</a> : <span class="quiet">complete</span>}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function VolumesByAge({ columns, done }: { columns: Map<string, Column>; done: number[] }) {
  const { corpus, at } = useShared();
  const names = ["gm_ml", "wm_ml", "csf_ml", "brain_mask_ml"].filter((name) => columns.has(name));
  const chosen = names.includes(at.params.get("y") ?? "") ? at.params.get("y")! : names[0];
  const age = columns.get("age_years"), y = chosen ? columns.get(chosen) : undefined, sex = columns.get("sex");
  const ids = useColumns(corpus, ["scan_id"]);
  if (!age || !y) return null;
  const groups = [
    { label: "female", colour: "--female", rows: done.filter((row) => sex?.word(row) === "female") },
    { label: "male", colour: "--male", rows: done.filter((row) => sex?.word(row) === "male") },
    { label: "unknown", colour: "--quiet", rows: done.filter((row) => !["female", "male"].includes(sex?.word(row) ?? "")) },
  ];
  const middle = median(done.map((row) => y.number(row)));
  return (
    <div class="panel wide">
      <h2>Volumes against age
        <select aria-label="Which volume" value={chosen} onChange={(event) => { location.hash = `#/overview?y=${event.currentTarget.value}`; }}>
          {names.map((name) => <option value={name}>{title(name)}</option>)}
        </select>
      </h2>
      <Scatter x={age} y={y} groups={groups} xLabel="Age, years" yLabel={`${title(chosen!)}, ${unit(chosen!)}`}
        open={(row) => { const id = ids?.get("scan_id")!.word(row); if (id) location.hash = `#/scan/${id}`; }}
        about={`Scatter of ${title(chosen!)} against age; the median is ${shown(middle)} ${unit(chosen!)}`} />
    </div>
  );
}

function median(values: number[]): number {
  const known = values.filter(Number.isFinite).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? NaN;
}
