// The two still pictures of a scan: the whole head in its own space, and what came out on the template.
import { useEffect, useState } from "preact/hooks";
import type { Corpus } from "./data";

/** The letters of a plane: left, right, above, below. */
export const SIDES = [["P", "A", "S", "I"], ["L", "R", "S", "I"], ["L", "R", "A", "P"]] as const;
export const Letters = ({ axis }: { axis: number }) => <>{SIDES[axis]!.map((letter, at) => <span key={at} class={`letter l${at}`} aria-hidden="true">{letter}</span>)}</>;

let outlines = true; // as long as the page: a rater who takes them off wants them off in the next scan, too
const watching = new Set<(on: boolean) => void>();
export function useOutlines(): [boolean, () => void] {
  const [on, set] = useState(outlines);
  useEffect(() => { watching.add(set); return () => { watching.delete(set); }; }, []);
  return [on, () => { outlines = !outlines; for (const tell of watching) tell(outlines); }];
}

export function Mosaic({ corpus, scanId, who }: { corpus: Corpus; scanId: string; who: string }) {
  const [on, toggle] = useOutlines();
  if (!corpus.hasMosaic(scanId)) return null;
  return (
    <figure class="mosaic">
      <div class="bed" tabIndex={0} role="region" aria-label="The whole head"><div class="layers">
        <img src={corpus.mosaic(scanId, "jpg")} alt={`The whole head of ${who} in its own space: seven sagittal, seven coronal and seven axial slices`} />
        {on && <img class="lines" src={corpus.mosaic(scanId, "png")} alt="Outlines of the brain mask, amber, and of white matter, blue" />}
      </div></div>
      <figcaption>
        <button aria-pressed={on} aria-keyshortcuts="m" onClick={toggle}>Outlines <kbd>m</kbd></button>
        <span class="legend"><span><i style={{ background: "rgb(255,190,0)" }} />brain mask</span><span><i style={{ background: "rgb(60,220,255)" }} />white matter</span></span>
        <span class="quiet">The scan as it was read; the viewer's left is the person's left. The face is left out.</span>
      </figcaption>
    </figure>
  );
}
