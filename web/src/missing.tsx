import { useMemo } from "preact/hooks";
import type { Detail } from "./data";
import { Filters, go, useQuery } from "./filters";
import { useFound } from "./gallery";
import { usePromise, useShared } from "./hooks";
import { formatQuery } from "./query";

const MISSING = ["rejected", "failed", "pending", "not planned", "excluded", "gap"];
const PER_PAGE = 50;

export function Missing() {
  const { corpus, at } = useShared();
  const query = useQuery({ outcome: MISSING });
  const { columns, found } = useFound(query);
  const page = Math.max(0, Number(at.params.get("at")) || 0);
  const groups = useMemo(() => {
    const counts = new Map<string, { outcome: string; reason: string; count: number }>();
    if (columns && found) for (const row of found) {
      const outcome = columns.get("outcome")!.word(row), reason = columns.get("reason")!.word(row);
      const key = `${outcome}\n${reason}`;
      const one = counts.get(key);
      if (one) one.count++;
      else counts.set(key, { outcome, reason, count: 1 });
    }
    return [...counts.values()].sort((a, b) => b.count - a.count);
  }, [columns, found]);
  const rows = found ? [...found.slice(page * PER_PAGE, (page + 1) * PER_PAGE)] : [];
  const { value: details } = usePromise<Detail[]>(() => (rows.length ? Promise.all(rows.map((row) => corpus.details(row))) : null), [found, page]);
  const turn = (to: number) => go("missing", query, to ? { at: String(to) } : {});
  return (
    <section>
      <h1>Why a scan is missing</h1>
      <p class="lead">Everything that was found and is no sample: each with its code, what the program saw, and what can be done.</p>
      <Filters query={query} view="missing" count={found?.length ?? 0} total={corpus.about.rows} hide={at.params.has("outcome") ? [] : ["outcome"]} />
      {!columns || !found ? <p class="loading">Loading…</p> : found.length === 0 ? <p class="empty">Nothing is missing here.</p> : (
        <>
          <ul class="codes">
            {groups.map(({ outcome, reason, count }) => {
              const [means, todo] = corpus.about.advice[reason] ?? ["", ""];
              return (
                <li key={outcome + reason}>
                  <a href={`#/missing?${formatQuery({ search: "", sort: "odd", ranges: {}, words: { outcome: [outcome], ...(reason ? { reason: [reason] } : {}) } })}`}>
                    <b class="count">{count.toLocaleString("en-GB")}</b>
                    <span><span class={`badge ${outcome.replace(" ", "")}`}>{outcome}</span> {reason && <code>{reason}</code>}<br />
                      {means || OUTCOMES[outcome]} <span class="quiet"><Prose text={todo} /></span></span>
                  </a>
                </li>
              );
            })}
          </ul>
          <div class="scroller" tabIndex={0} role="region" aria-label="Rows that are missing">
            <table class="rows missing">
              <thead><tr><th>Dataset</th><th>File</th><th>Code</th><th>What was seen</th></tr></thead>
              <tbody>{rows.map((row, at) => {
                const word = (name: string) => columns.get(name)!.word(row);
                const id = word("scan_id");
                return (
                  <tr key={row}>
                    <td>{id ? <a href={`#/scan/${id}`}>{word("dataset")}</a> : word("dataset")}</td>
                    <td class="path">{word("path") || "(the whole dataset)"}</td>
                    <td><span class={`badge ${word("outcome").replace(" ", "")}`}>{word("outcome")}</span> {word("reason") && <code>{word("reason")}</code>}</td>
                    <td class="detail">{details?.[at]?.texts.detail ?? ""}{details?.[at]?.log.length ? <Log lines={details[at]!.log} /> : null}</td>
                  </tr>
                );
              })}</tbody>
            </table>
          </div>
          {found.length > PER_PAGE && (
            <nav class="pages" aria-label="Pages">
              <button disabled={page === 0} onClick={() => turn(page - 1)}>← Before</button>
              <span>{page * PER_PAGE + 1}–{Math.min(found.length, (page + 1) * PER_PAGE)} of {found.length.toLocaleString("en-GB")}</span>
              <button disabled={(page + 1) * PER_PAGE >= found.length} onClick={() => turn(page + 1)}>Next →</button>
            </nav>
          )}
        </>
      )}
    </section>
  );
}

/** The end of what the runs' logs say of a scan. */
export function Log({ lines, open = false }: { lines: string[]; open?: boolean }) {
  return <details class="log" open={open}><summary>From the log</summary><pre>{lines.join("\n")}</pre></details>;
}

/** Text in which what is between backticks is code. */
export function Prose({ text }: { text: string }) {
  return <>{text.split("`").map((part, at) => (at % 2 ? <code>{part}</code> : part))}</>;
}

export const OUTCOMES: Record<string, string> = {
  done: "A sample of the corpus.",
  rejected: "The same bytes and recipe give the same answer.",
  failed: "A further try may do better.",
  pending: "Planned, and not run yet.",
  "not planned": "Listed, and not among the scans that were asked for.",
  excluded: "Left out by the catalogue, with the evidence.",
  gap: "Something that the catalogue could not read.",
};
