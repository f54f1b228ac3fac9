import { useEffect, useRef, useState } from "preact/hooks";
import { type Corpus, type Volume, loadScript } from "./data";
import { usePromise } from "./hooks";
import { Letters } from "./pictures";
import { type Look, type Overlay, TISSUES, map, paint, plane } from "./planes";

interface Shown { look(look: Look): Promise<void>; close(): void }
const NIIVUE = () => (window as unknown as { allbrainsNiivue?: { show(canvas: HTMLCanvasElement, volume: Volume): Promise<Shown> } }).allbrainsNiivue;

/** How 3-D can be drawn here: by a graphics card, by the processor (seconds a frame at 1 mm), or not. */
const webgl = (() => {
  let known: "fast" | "slow" | "none" | undefined;
  return () => {
    if (known) return known;
    const gl = document.createElement("canvas").getContext("webgl2");
    const about = gl?.getExtension("WEBGL_debug_renderer_info");
    const name = gl && about ? String(gl.getParameter(about.UNMASKED_RENDERER_WEBGL)) : "";
    gl?.getExtension("WEBGL_lose_context")?.loseContext();
    return (known = !gl ? "none" : /swiftshader|llvmpipe|software|basic render/i.test(name) ? "slow" : "fast");
  };
})();

export function Viewer({ corpus, scanId, plainFirst, wants3d }: { corpus: Corpus; scanId: string; plainFirst: boolean; wants3d: boolean }) {
  const there = corpus.hasVolume(scanId);
  const { value: volume, error } = usePromise<Volume>(() => (there ? corpus.volume(scanId) : null), [corpus, scanId]);
  const [mode, setMode] = useState<"3d" | "plain">(() => (plainFirst || (webgl() !== "fast" && !wants3d) ? "plain" : "3d"));
  const [trouble, setTrouble] = useState("");
  const [look, setLook] = useState<Look>({ overlay: "none", opacity: 0.5, outline: false });
  if (!there || error) return (
    <figure class="viewer still">
      {corpus.about.montages && <img src={corpus.montage(scanId)} alt="Slices: T1w above, tissues below" />}
      <figcaption>{error ? `The volume can't be read: ${error}` : "This folder holds the picture only. allbrains serve shows the volume."}</figcaption>
    </figure>
  );
  const overlays = ([["none", "T1w"], ["tissue", "Tissues"], ["logjac", "Jacobian"]] as [Overlay, string][]).filter(([name]) => name === "none" || !volume || map(volume, name));
  return (
    <div class="viewer">
      <div class="toolbar">
        <div class="tools" role="group" aria-label="Overlay">
          {overlays.map(([name, label]) => <button aria-pressed={look.overlay === name} onClick={() => setLook({ ...look, overlay: name })}>{label}</button>)}
        </div>
        <label><input type="checkbox" checked={look.outline} onChange={() => setLook({ ...look, outline: !look.outline })} /> mask outline</label>
        {look.overlay !== "none" && <label class="slider">opacity <input type="range" min="0" max="1" step="0.05" value={look.opacity} onInput={(event) => setLook({ ...look, opacity: Number(event.currentTarget.value) })} /></label>}
        <div class="tools end" role="group" aria-label="Viewer">
          <button aria-pressed={mode === "3d"} disabled={webgl() === "none"} title={webgl() === "slow" ? "No graphics card here: a picture takes seconds" : undefined} onClick={() => setMode("3d")}>3-D</button>
          <button aria-pressed={mode === "plain"} onClick={() => setMode("plain")}>Planes</button>
        </div>
      </div>
      {!volume ? <div class="stage wait"><p>Loading the volume…</p></div>
        : mode === "plain" ? <Planes volume={volume} look={look} /> : <Three volume={volume} look={look} fail={(text) => { setTrouble(text); setMode("plain"); }} />}
      {trouble && <p class="quiet">3-D is not to be had here ({trouble}); these are the planes.</p>}
      <Legend overlay={look.overlay} />
    </div>
  );
}

function Legend({ overlay }: { overlay: Overlay }) {
  const rgb = (colour: readonly number[]) => ({ background: `rgb(${colour.join(",")})` });
  if (overlay === "tissue") return <p class="legend">{TISSUES.map((one) => <span><i style={rgb(one.colour)} />{one.label}</span>)}</p>;
  if (overlay === "logjac") return <p class="legend"><span><i class="ramp" />log Jacobian: blue, smaller than the template's brain at this place (after the affine); red, larger</span></p>;
  return <p class="legend quiet">The viewer's left is the person's left.</p>;
}

function Three({ volume, look, fail }: { volume: Volume; look: Look; fail: (text: string) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [ready, setReady] = useState<Shown | null>(null);
  const [drawn, setDrawn] = useState("");
  useEffect(() => {
    let here = true, shown: Shown | null = null;
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "Sagittal, coronal and axial plane, and the brain in 3-D");
    box.current?.replaceChildren(canvas);
    (async () => {
      if (!NIIVUE()) await loadScript("niivue.js");
      shown = await NIIVUE()!.show(canvas, volume);
      if (here) setReady(shown);
      else shown.close();
    })().catch((error: Error) => { if (here) fail(error.message); });
    return () => { here = false; setReady(null); shown?.close(); };
  }, [volume]);
  useEffect(() => { ready?.look(look).then(() => setDrawn(look.overlay), (error: Error) => fail(error.message)); }, [ready, look]);
  return <div class="stage three" data-drawn={ready ? drawn : ""} ref={box} />;
}

const AXES = ["Sagittal", "Coronal", "Axial"];

export function Planes({ volume, look, at: given, move: moved }: { volume: Volume; look: Look; at?: number[]; move?: (at: number[]) => void }) {
  const [own, setOwn] = useState(() => volume.shape.map((size) => Math.floor(size / 2)));
  const at = given ?? own, move = moved ?? setOwn;
  return (
    <>
      <div class="stage planes">
        {[0, 1, 2].map((axis) => <Plane key={axis} {...{ volume, look, axis, at, move }} />)}
      </div>
      <p class="legend quiet where">{told(volume, at)}</p>
    </>
  );
}

/** The crosshair's place and what is there. */
function told(volume: Volume, at: readonly number[]): string {
  const mm = at.map((index, axis) => (volume.affine[axis]![axis]! * index + volume.affine[axis]![3]!).toFixed(0));
  const place = at[0]! + volume.shape[0] * (at[1]! + volume.shape[1] * at[2]!);
  const value = (name: string) => { const one = map(volume, name); return one ? one.data[place]! * one.scale + one.offset : NaN; };
  const parts = [`x, y, z = ${mm.join(", ")} mm`, `voxel ${at.join(", ")}`];
  if (Number.isFinite(value("t1w"))) parts.push(`T1w ${value("t1w").toFixed(2)} (white matter = 1)`);
  const tissue = TISSUES[value("tissue") - 1]?.label;
  if (tissue) parts.push(tissue);
  if (map(volume, "mask")?.data[place] && Number.isFinite(value("logjac"))) parts.push(`log Jacobian ${value("logjac").toFixed(2)}`);
  return parts.join(" · ");
}

function Plane({ volume, look, axis, at, move }: { volume: Volume; look: Look; axis: number; at: number[]; move: (at: number[]) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { w, h } = plane(volume.shape, axis, 0);
  const [u, v] = axis === 0 ? [1, 2] : axis === 1 ? [0, 2] : [0, 1];
  const across = at[u]!, down = volume.shape[v]! - 1 - at[v]!;
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    context.putImageData(paint(volume, axis, at[axis]!, look), 0, 0);
    context.fillStyle = "rgba(90,165,255,.55)";
    context.fillRect(across, 0, 0.6, h);
    context.fillRect(0, down, w, 0.6);
  }, [volume, look, at]);
  const mm = (volume.affine[axis]![axis]! * at[axis]! + volume.affine[axis]![3]!).toFixed(0);
  const point = (event: PointerEvent) => {
    if (!event.buttons && event.type !== "pointerdown") return;
    const box = canvas.current!.getBoundingClientRect();
    const next = [...at];
    const clip = (value: number, size: number) => Math.max(0, Math.min(size - 1, Math.floor(value)));
    next[u] = clip(((event.clientX - box.left) / box.width) * w, w);
    next[v] = volume.shape[v]! - 1 - clip(((event.clientY - box.top) / box.height) * h, h);
    move(next);
  };
  return (
    <figure style={{ flex: `${w} 1 0` }}>
      <div class="plane"><canvas ref={canvas} width={w} height={h} role="img" aria-label={`${AXES[axis]} plane at ${mm} mm`} onPointerDown={point} onPointerMove={point} /><Letters axis={axis} /></div>
      <figcaption><label>{AXES[axis]} <input type="range" min="0" max={volume.shape[axis]! - 1} value={at[axis]} aria-label={`${AXES[axis]} plane`}
        onInput={(event) => { const next = [...at]; next[axis] = Number(event.currentTarget.value); move(next); }} /> <span class="number">{"xyz"[axis]} = {mm} mm</span></label></figcaption>
    </figure>
  );
}
