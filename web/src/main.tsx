import "uplot/dist/uPlot.min.css";
import "./style.css";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { Compare } from "./compare";
import { Corpus } from "./data";
import { Gallery } from "./gallery";
import { Context, usePlace } from "./hooks";
import { Missing } from "./missing";
import { Overview } from "./overview";
import { Message, useRater, useUndoKey } from "./rating";
import { Review } from "./review";
import { ScanPage } from "./scan";

const VIEWS = { overview: ["Overview", Overview], brains: ["Brains", Gallery], missing: ["Missing", Missing], review: ["Review", Review], compare: ["Compare", Compare], scan: ["", ScanPage] } as const;

function App({ corpus, other }: { corpus: Corpus; other: Corpus | null }) {
  const at = usePlace();
  const rater = useRater(corpus);
  useUndoKey(corpus, rater);
  const view = (at.view in VIEWS ? at.view : "overview") as keyof typeof VIEWS;
  useEffect(() => { scrollTo(0, 0); document.title = `${VIEWS[view][0] || at.id.slice(0, 8)} · ${corpus.about.name} · allbrains`; }, [view, at.id]);
  const View = VIEWS[view][1];
  const shown = (["overview", "brains", "missing", "review", "compare"] as const);
  return (
    <Context.Provider value={{ corpus, other, at, rater }}>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to the content</a>
      <header class="topbar">
        <a class="brand" href="#/overview"><b>allbrains</b> <span>{corpus.about.name}</span></a>
        <nav aria-label="Views">{shown.map((name) => <a href={`#/${name}`} aria-current={name === view || (view === "scan" && name === "brains") ? "page" : undefined}>{VIEWS[name][0]}</a>)}</nav>
      </header>
      <main id="main" tabIndex={-1}><View /></main>
      <Message />
      <footer>Not a medical device. {corpus.about.served ? "Served on this machine only." : "This page asks no network for anything."} <a href="LICENSES.txt">Licences of its parts</a></footer>
    </Context.Provider>
  );
}

async function start() {
  const root = document.getElementById("app")!;
  try {
    const corpus = await Corpus.open("");
    const other = corpus.about.other ? await Corpus.open("other/") : null;
    root.replaceChildren();
    render(<App corpus={corpus} other={other} />, root);
  } catch (error) {
    root.textContent = `This report can't be read: ${(error as Error).message}`;
  }
}
void start();
