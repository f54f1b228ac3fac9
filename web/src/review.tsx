import { useEffect, useRef, useState } from "preact/hooks";
import { Filters, useQuery } from "./filters";
import { useFound } from "./gallery";
import { title, useShared } from "./hooks";
import { formatQuery } from "./query";
import { Mosaic, useOutlines } from "./pictures";
import { RateBar, RatingsFile, useRatingKeys } from "./rating";

/** `cjv 4.2, gm_ml 3.1` for people. */
const why = (text: string) => text && `far from others of its dataset in ${text.split(", ").map((one) => { const [name, size] = one.split(" "); return `${title(name!)} (${size})`; }).join(", ")} — robust deviations`;

export function Review() {
  const { corpus, rater: { ratings, undone }, at } = useShared();
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
  const name = `${word("dataset")} sub-${word("subject")}${word("session") && ` ses-${word("session")}`}`;
  const on = () => go(1), back = () => go(-1);
  const [, toggle] = useOutlines();
  useRatingKeys(id, name, noteRef, on, { ArrowRight: on, j: on, ArrowLeft: back, k: back, m: toggle, o: () => { if (id) location.hash = `#/scan/${id}?${formatQuery(query)}`; } });
  // what is undone comes back on the screen, where it is in this queue
  useEffect(() => {
    const found = undone && fit && ids ? fit.findIndex((one) => ids.word(one) === undone.scanId) : -1;
    if (found >= 0) setPlace(found);
  }, [undone]);
  const rated = fit && ids ? fit.reduce((sum, one) => sum + (ratings[ids.word(one)]?.[0] ? 1 : 0), 0) : 0;
  return (
    <section class="review">
      <header class="head"><h1>Review</h1>{fit && <p class="progress"><progress value={rated} max={fit.length || 1} aria-label="Rated" /> {rated.toLocaleString("en-GB")} of {fit.length.toLocaleString("en-GB")} rated</p>}</header>
      <Filters query={query} view="review" count={found?.length ?? 0} total={corpus.about.rows} />
      {!fit || !columns ? <p class="loading">Loading…</p> : !id ? <p class="empty">Nothing to review fits these filters.</p> : (
        <>
          <RateBar scanId={id} name={name} rated={on} noteRef={noteRef} />
          <div class="sheet">
            {word("outcome") === "done" ? <>
              <Mosaic corpus={corpus} scanId={id} who={name} />
              {corpus.about.montages && <img class="result" src={corpus.montage(id)} alt={`${name} on the template: T1w above, tissues below`} />}
            </> : <div class="nopicture"><b>{word("outcome")}</b></div>}
            <div class="about">
              <p><b>{word("dataset")}</b> sub-{word("subject")}{word("session") && ` ses-${word("session")}`} <span class="quiet">{[word("age_years") && `${word("age_years")} y`, word("sex")].filter(Boolean).join(", ")}</span></p>
              <p class="quiet">{[word("qc") === "look" && `outside its limits: ${word("qc_reasons").split(", ").map(title).join(", ")}`, why(word("odd_why"))].filter(Boolean).join("; ")}</p>
            </div>
          </div>
          <nav class="pages" aria-label="Queue">
            <button disabled={place === 0} onClick={() => go(-1)}>← Before</button>
            <span>{place + 1} of {fit.length.toLocaleString("en-GB")}</span>
            <button disabled={place >= fit.length - 1} onClick={() => go(1)}>Next →</button>
            <a class="button" href={`#/scan/${id}?${formatQuery(query)}`}>Open in 3-D</a>
          </nav>
          <RatingsFile />
          <p class="keys quiet"><kbd>a</kbd> accept <kbd>d</kbd> doubt <kbd>r</kbd> reject <kbd>u</kbd> undo the last <kbd>n</kbd> note <kbd>m</kbd> outlines <kbd>←</kbd> <kbd>→</kbd> move <kbd>o</kbd> open</p>
        </>
      )}
    </section>
  );
}
