// The script that is loaded when a brain is opened in 3-D: NiiVue, and how a report's volume is shown in it.
import { MULTIPLANAR_TYPE, NVImage, Niivue, SHOW_RENDER } from "@niivue/niivue";
import type { Volume } from "./data";
import { type Look, OUTLINE, TISSUES, border, map, nifti } from "./planes";

async function image(volume: Volume, data: Uint8Array, name: string, scale: number, offset: number): Promise<NVImage> {
  return NVImage.loadFromUrl({ url: nifti(volume, data, scale, offset), name: `${name}.nii` });
}

async function show(canvas: HTMLCanvasElement, volume: Volume) {
  const nv = new Niivue({
    backColor: [0, 0, 0, 1], show3Dcrosshair: true, crosshairColor: [0.35, 0.65, 1, 0.75], crosshairWidth: 1,
    isColorbar: false, dragAndDropEnabled: false, loadingText: "", fontMinPx: 20, fontSizeScaling: 0.6, fontColor: [1, 0.82, 0.35, 1], isOrientationTextVisible: true, isOrientCube: false, multiplanarLayout: MULTIPLANAR_TYPE.GRID, multiplanarPadPixels: 4, multiplanarShowRender: SHOW_RENDER.ALWAYS,
    logLevel: "error", isResizeCanvas: true, thumbnail: "",
  });
  nv.addColormap("tissue", {
    R: [0, ...TISSUES.map((one) => one.colour[0])], G: [0, ...TISSUES.map((one) => one.colour[1])], B: [0, ...TISSUES.map((one) => one.colour[2])],
    A: [0, 255, 255, 255], I: [0, 85, 170, 255],
  });
  nv.addColormap("outline", { R: [0, OUTLINE[0]], G: [0, OUTLINE[1]], B: [0, OUTLINE[2]], A: [0, 255], I: [0, 255] });
  nv.addColormap("larger", { R: [255, 255], G: [200, 40], B: [120, 20], A: [0, 255], I: [0, 255] });
  nv.addColormap("smaller", { R: [120, 20], G: [200, 80], B: [255, 255], A: [0, 255], I: [0, 255] });
  await nv.attachToCanvas(canvas, false);
  const t1w = map(volume, "t1w") ?? volume.maps[0]!;
  const base = await image(volume, t1w.data, "t1w", t1w.scale, t1w.offset);
  base.colormap = "gray";
  nv.addVolume(base);
  nv.setSliceType(nv.sliceTypeMultiplanar);
  const made = new Map<string, Promise<NVImage | null>>();
  const once = (name: string, make: () => Promise<NVImage | null>) => {
    if (!made.has(name)) made.set(name, make());
    return made.get(name)!;
  };
  const coloured = async (data: Uint8Array, name: string, scale: number, low: number, high: number) => {
    const one = await image(volume, data, name, scale, 0);
    one.colormap = name; one.cal_min = low; one.cal_max = high;
    return one;
  };
  async function look({ overlay, opacity, outline }: Look) {
    const tissue = map(volume, "tissue"), logjac = map(volume, "logjac");
    const wanted: Promise<NVImage | null>[] = [];
    if (overlay === "tissue" && tissue) wanted.push(once("tissue", () => coloured(tissue.data, "tissue", 1, 0, 3)));
    if (overlay === "logjac" && logjac) {
      const zero = Math.round(-logjac.offset / logjac.scale);
      const side = (sign: number) => Uint8Array.from(logjac.data, (value) => Math.max(0, sign * (value - zero)));
      wanted.push(once("larger", () => coloured(side(1), "larger", logjac.scale, 0.05, 0.9)));
      wanted.push(once("smaller", () => coloured(side(-1), "smaller", logjac.scale, 0.05, 0.9)));
    }
    if (outline) wanted.push(once("outline", async () => { const data = border(volume); return data && coloured(data, "outline", 1, 0, 1); }));
    const layers = (await Promise.all(wanted)).filter((one) => one !== null);
    for (const one of layers) one.opacity = one.colormap === "outline" ? 0.9 : opacity;
    // all at once: each addVolume and removeVolume would draw the whole scene again
    nv.volumes = [base, ...layers];
    nv.back = base;
    nv.overlays = layers;
    nv.updateGLVolume();
  }
  return { look, close: () => { nv.gl?.getExtension("WEBGL_lose_context")?.loseContext(); } };
}

(window as unknown as { allbrainsNiivue: object }).allbrainsNiivue = { show };
