import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Filters, useQuery } from "./filters";
import { useFound } from "./gallery";
import { title, useShared } from "./hooks";
import { formatQuery } from "./query";

const RATINGS = [["accept", "a"], ["doubt", "d"], ["reject", "r"]] as const;

export function RateBar({ scanId, rated, noteRef }: { scanId: string; rated?: () => void; noteRef?: { current: HTMLInputElement | null } }) {
  const { corpus, ratings, rate } = useShared();
  const kept = ratings[scanId]?.[1] ?? "";
  const [note, setNote] = useState(kept);
  const [error, setError] = useState("");
  useLayoutEffect(() => { setNote(kept); setError(""); }, [scanId, kept]); // before any key is typed: after it, it would take letters back
  const now = ratings[scanId]?.[0] ?? "";
  if (!corpus.about.served) return (
    <p class="ratebar quiet">{now ? <>Rated <span class={`badge ${now}`}>{now}</span> {note}</> : "Not rated."} To rate, open this with <code>allbrains serve</code>.</p>
  );
  const give = (rating: string) => rate(scanId, rating, note).then(() => { setError(""); rated?.(); }, (problem: Error) => setError(problem.message));
  return (
    <div class="ratebar">
      <div class="tools" role="group" aria-label="Rating">
        {RATINGS.map(([name, key]) => <button class={name} aria-pressed={now === name} aria-keyshortcuts={key} onClick={() => give(now === name ? "" : name)}>{name} <kbd>{key}</kbd></button>)}
      </div>
      <input ref={noteRef} type="text" aria-label="Note" placeholder="Note (n)" value={note} maxLength={2000} onInput={(event) => setNote(event.currentTarget.value)}
        onKeyDown={(event) => { if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur(); }}
        onBlur={() => { if (now && note !== kept) rate(scanId, now, note).catch((problem: Error) => setError(problem.message)); }} />
      {error && <span class="error" role="alert">not saved: {error}</span>}
    </div>
  );
}

export function Review() {
  const { corpus, ratings, rate, at } = useShared();
  const query = useQuery({ outcome: ["done"] });
  const { columns, found } = useFound(query);
  const [place, setPlace] = useState(0);
  const [fit, setFit] = useState<Uint32Array | null>(null);
  const noteRef = useRef<HTMLInputElement>(null);
  // the queue stays as it was when it was asked for, so that a rating doesn't move what is being looked at
  useEffect(() => { if (found) { setFit(found); setPlace(0); } }, [columns, at.params.toString(), found === null]);
  const ids = columns?.get("scan_id");
  const row = fit?.[place];
  const id = ids && row !== undefined ? ids.word(row) : "";
  const word = (name: string) => (row === undefined ? "" : columns!.get(name)!.word(row));
  const go = (step: number) => setPlace((old) => Math.max(0, Math.min((fit?.length ?? 1) - 1, old + step)));
  useEffect(() => {
    const typed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (/^(input|select|textarea)$/i.test(target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
      const rating = RATINGS.find(([, key]) => key === event.key)?.[0];
      if (rating && corpus.about.served && id) rate(id, rating, ratings[id]?.[1] ?? "").then(() => go(1), () => undefined);
      else if (event.key === "ArrowRight" || event.key === "j") go(1);
      else if (event.key === "ArrowLeft" || event.key === "k") go(-1);
      else if (event.key === "u" && id) rate(id, "", "").catch(() => undefined);
      else if (event.key === "n") noteRef.current?.focus();
      else if (event.key === "o" && id) location.hash = `#/scan/${id}`;
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", typed);
    return () => removeEventListener("keydown", typed);
  });
  const rated = fit && ids ? fit.reduce((sum, one) => sum + (ratings[ids.word(one)] ? 1 : 0), 0) : 0;
  return (
    <section class="review">
      <header class="head"><h1>Review</h1>{fit && <p class="progress"><progress value={rated} max={fit.length || 1} aria-label="Rated" /> {rated.toLocaleString("en-GB")} of {fit.length.toLocaleString("en-GB")} rated</p>}</header>
      <Filters query={query} view="review" count={found?.length ?? 0} total={corpus.about.rows} />
      {!fit || !columns ? <p class="loading">Loading…</p> : !id ? <p class="empty">Nothing to review fits these filters.</p> : (
        <>
          <div class="sheet">
            {word("outcome") === "done" ? <img src={corpus.montage(id)} alt={`Slices of ${word("dataset")} sub-${word("subject")}`} /> : <div class="nopicture"><b>{word("outcome")}</b></div>}
            <div class="about">
              <p><b>{word("dataset")}</b> sub-{word("subject")}{word("session") && ` ses-${word("session")}`} <span class="quiet">{[word("age_years") && `${word("age_years")} y`, word("sex")].filter(Boolean).join(", ")}</span></p>
              <p class="quiet">{word("qc") === "look" ? <>outside its limits: {word("qc_reasons").split(", ").map(title).join(", ")}</> : word("odd_in") ? <>oddest number: {title(word("odd_in"))}, {Number(columns.get("oddness")!.number(row!)).toFixed(1)} robust deviations from the middle</> : ""}</p>
            </div>
          </div>
          <RateBar scanId={id} rated={() => go(1)} noteRef={noteRef} />
          <nav class="pages" aria-label="Queue">
            <button disabled={place === 0} onClick={() => go(-1)}>← Before</button>
            <span>{place + 1} of {fit.length.toLocaleString("en-GB")}</span>
            <button disabled={place >= fit.length - 1} onClick={() => go(1)}>Next →</button>
            <a class="button" href={`#/scan/${id}?${formatQuery(query)}`}>Open in 3-D</a>
          </nav>
          <p class="keys quiet"><kbd>a</kbd> accept <kbd>d</kbd> doubt <kbd>r</kbd> reject <kbd>u</kbd> take back <kbd>n</kbd> note <kbd>←</kbd> <kbd>→</kbd> move <kbd>o</kbd> open</p>
        </>
      )}
    </section>
  );
}
