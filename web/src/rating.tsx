// Rating: what is given is shown at once and saved in its turn; undone, noted, handed out and read in again.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Corpus, Ratings } from "./data";
import { useShared } from "./hooks";

export const RATINGS = [["accept", "a"], ["doubt", "d"], ["reject", "r"]] as const;
type Rated = [string, string]; // rating, note
interface Done { scanId: string; name: string; before: Rated; after: Rated }
export interface Said { text: string; scanId?: string; bad?: boolean }
export interface Rater {
  ratings: Ratings; said: Said | null; count: number;
  /** Rate a scan; one without a rating and a note is taken back. Notes that are being typed are known here. */
  rate(scanId: string, rating: string, name: string): void;
  note(scanId: string, note: string, name: string): void;
  draft(scanId: string): string;
  type(scanId: string, note: string): void;
  /** Take back the last rating or note of this window. */
  undo(): void;
  /** The scan of which something was undone last; another object each time. */
  undone: { scanId: string } | null;
  readIn(file: File): Promise<void>;
}

const NONE: Rated = ["", ""];
const MOST_UNDONE = 200;
const SHOWN_MS = 12_000; // of a message; one that says what went wrong stays
const word = ([rating, note]: Rated) => (rating || note ? [rating || "only noted", note && `“${note}”`].filter(Boolean).join(" ") : "no rating");

export function useRater(corpus: Corpus): Rater {
  const key = `allbrains rated ${location.pathname} ${corpus.about.name} ${corpus.about.fingerprint}`;
  const [ratings, setRatings] = useState<Ratings>({});
  const [said, say] = useState<Said | null>(null);
  const [undone, setUndone] = useState<{ scanId: string } | null>(null);
  const now = useRef<Ratings>({});
  const drafts = useRef(new Map<string, string>());
  const done = useRef<Done[]>(remembered(key));
  const queue = useRef<Promise<unknown>>(Promise.resolve());
  const show = useCallback((next: Ratings) => { now.current = next; setRatings(next); }, []);
  const reload = useCallback(() => corpus.ratings().then(show, (error: Error) => say({ text: `The ratings can't be read: ${error.message}`, bad: true })), [corpus]);
  useEffect(() => { void reload(); }, []);
  const put = useCallback((scanId: string, rated: Rated) => {
    const next = { ...now.current };
    if (rated[0] || rated[1]) next[scanId] = rated; else delete next[scanId];
    show(next);
  }, []);
  const remember = () => { try { sessionStorage.setItem(key, JSON.stringify(done.current.slice(-MOST_UNDONE))); } catch { /* a window without a memory undoes until it is closed */ } };
  // one after the other, so that the file ends as the window shows it
  const send = useCallback((one: Done, told: string, failed: () => void) => {
    put(one.scanId, one.after);
    queue.current = queue.current.then(async () => {
      try {
        const answer = await fetch("ratings", { method: "POST", keepalive: true, headers: { "Content-Type": "application/json" }, body: JSON.stringify({ scan_id: one.scanId, rating: one.after[0], note: one.after[1], seen: one.before }) });
        if (!answer.ok) throw new Error(await answer.text());
        say({ text: told, scanId: one.scanId });
      } catch (problem) {
        failed();
        remember();
        await reload(); // what the file says, and not what was hoped for
        say({ text: `Not saved, ${one.name}: ${(problem as Error).message}`, scanId: one.scanId, bad: true });
      }
    });
  }, []);
  const change = useCallback((scanId: string, after: Rated, name: string) => {
    const before = now.current[scanId] ?? NONE;
    drafts.current.delete(scanId);
    if (before[0] === after[0] && before[1] === after[1]) return;
    const one = { scanId, name, before, after };
    done.current.push(one);
    remember();
    send(one, `Saved in ratings.tsv: ${name}, ${word(after)}`, () => { done.current = done.current.filter((other) => other !== one); });
  }, []);
  const draft = useCallback((scanId: string) => drafts.current.get(scanId) ?? now.current[scanId]?.[1] ?? "", []);
  const tidy = (text: string) => text.split(/\s+/).filter(Boolean).join(" ");
  return useMemo(() => ({
    ratings, said, undone, count: Object.keys(ratings).length, draft,
    rate: (scanId, rating, name) => change(scanId, [rating, tidy(draft(scanId))], name),
    note: (scanId, note, name) => change(scanId, [now.current[scanId]?.[0] ?? "", tidy(note)], name),
    type: (scanId, note) => { drafts.current.set(scanId, note); },
    undo: () => {
      const last = done.current.pop();
      if (!last) { say({ text: "Nothing to undo: this window has rated nothing" }); return; }
      remember();
      drafts.current.delete(last.scanId);
      send({ ...last, before: last.after, after: last.before }, `Undone: ${last.name}, now ${word(last.before)}, was ${word(last.after)}`, () => undefined);
      setUndone({ scanId: last.scanId });
    },
    readIn: async (file) => {
      try {
        const answer = await fetch("ratings.tsv", { method: "POST", headers: { "Content-Type": "text/tab-separated-values" }, body: await file.text() });
        const text = await answer.text();
        if (!answer.ok) throw new Error(text);
        await reload();
        say({ text: `${file.name}: ${text}` });
      } catch (problem) { say({ text: `${file.name} was not read: ${(problem as Error).message}`, bad: true }); }
    },
  }), [ratings, said, undone]);
}

function remembered(key: string): Done[] {
  try { return JSON.parse(sessionStorage.getItem(key) ?? "[]") as Done[]; } catch { return []; }
}

/** What was saved or wasn't, for eyes and for screen readers. */
export function Message() {
  const { rater: { said } } = useShared();
  const [old, setOld] = useState<Said | null>(null);
  useEffect(() => {
    const timer = said && !said.bad ? setTimeout(() => setOld(said), SHOWN_MS) : undefined;
    return () => clearTimeout(timer);
  }, [said]);
  return <div class={said?.bad ? "said bad" : "said"} role={said?.bad ? "alert" : "status"} hidden={!said || said === old}>
    {said && <>{said.text} {said.scanId && <><a href={`#/scan/${said.scanId}`}>the scan</a>{!said.bad && said.text.startsWith("Saved") && <> <kbd>u</kbd> undoes</>}</>}</>}
  </div>;
}

const busy = (event: KeyboardEvent) => /^(input|select|textarea)$/i.test((event.target as HTMLElement).tagName) || event.ctrlKey || event.metaKey || event.altKey;

/** `u`, whatever is on the screen. */
export function useUndoKey(corpus: Corpus, rater: Rater) {
  // at once and not after the next picture: a quick hand's second key is of the second scan
  useLayoutEffect(() => {
    const typed = (event: KeyboardEvent) => {
      if (busy(event) || event.key !== "u" || !corpus.about.served) return;
      event.preventDefault();
      rater.undo();
    };
    addEventListener("keydown", typed);
    return () => removeEventListener("keydown", typed);
  });
}

/** `a d r n`, and what else the view does. */
export function useRatingKeys(scanId: string, name: string, noteRef: { current: HTMLInputElement | null }, rated: () => void, others: Record<string, () => void>) {
  const { corpus, rater } = useShared();
  // at once and not after the next picture: a quick hand's second key is of the second scan
  useLayoutEffect(() => {
    const typed = (event: KeyboardEvent) => {
      if (busy(event)) return;
      const rating = RATINGS.find(([, key]) => key === event.key)?.[0];
      if (rating && corpus.about.served && scanId) { rater.rate(scanId, rating, name); rated(); }
      else if (event.key === "n" && noteRef.current) noteRef.current.focus();
      else if (others[event.key] && !(event.key.startsWith("Arrow") && (event.target as HTMLElement).tagName === "CANVAS")) others[event.key]!();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", typed);
    return () => removeEventListener("keydown", typed);
  });
}

export function RateBar({ scanId, name, rated, noteRef }: { scanId: string; name: string; rated?: () => void; noteRef: { current: HTMLInputElement | null } }) {
  const { corpus, rater } = useShared();
  const [rating, kept] = rater.ratings[scanId] ?? NONE;
  const [note, setNote] = useState(rater.draft(scanId));
  useLayoutEffect(() => { setNote(rater.draft(scanId)); }, [scanId, kept]);
  // a note that is being typed when the scan goes from the screen is this scan's, and saved
  useEffect(() => {
    const save = () => { if (corpus.about.served) rater.note(scanId, rater.draft(scanId), name); };
    addEventListener("pagehide", save);
    return () => { removeEventListener("pagehide", save); save(); };
  }, [scanId]);
  if (!corpus.about.served) return (
    <p class="ratebar quiet">{rating ? <>Rated <span class={`badge ${rating}`}>{rating}</span> {kept}</> : kept ? `Noted: ${kept}` : "Not rated."} To rate, open this with <code>allbrains serve</code>.</p>
  );
  const give = (one: string) => { rater.rate(scanId, rating === one ? "" : one, name); rated?.(); };
  return (
    <div class="ratebar">
      <div class="tools" role="group" aria-label="Rating">
        {RATINGS.map(([one, key]) => <button key={one} class={one} aria-pressed={rating === one} aria-keyshortcuts={key} onClick={() => give(one)}>{one} <kbd>{key}</kbd></button>)}
      </div>
      <input ref={noteRef} type="text" aria-label="Note" placeholder="Note (n, then Enter)" value={note} maxLength={2000}
        onInput={(event) => { setNote(event.currentTarget.value); rater.type(scanId, event.currentTarget.value); }}
        onKeyDown={(event) => { if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur(); }}
        onBlur={() => rater.note(scanId, rater.draft(scanId), name)} />
    </div>
  );
}

/** The file of ratings, out and in. */
export function RatingsFile() {
  const { corpus, rater } = useShared();
  const file = useRef<HTMLInputElement>(null);
  if (!corpus.about.served) return null;
  return (
    <p class="ratingsfile quiet">
      <a class="button" href="ratings.tsv" download={`${corpus.about.name}-ratings.tsv`}>Download ratings ({rater.count.toLocaleString("en-GB")})</a>{" "}
      <button onClick={() => file.current?.click()}>Read ratings in…</button>
      <input ref={file} type="file" class="hidden" accept=".tsv,text/tab-separated-values,text/plain" aria-label="File of ratings" tabIndex={-1}
        onChange={(event) => { const one = event.currentTarget.files?.[0]; event.currentTarget.value = ""; if (one) void rater.readIn(one); }} />
      <span>Of two ratings of one scan the later one stays.</span>
    </p>
  );
}
