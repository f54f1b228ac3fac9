import { createContext } from "preact";
import { useContext, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Column, Corpus } from "./data";
import { type Place, place } from "./query";
import type { Rater } from "./rating";

export interface Shared {
  corpus: Corpus; other: Corpus | null; at: Place;
  rater: Rater;
}
export const Context = createContext<Shared>(null as unknown as Shared);
export const useShared = () => useContext(Context);

export function usePlace(): Place {
  const [at, set] = useState(() => place(location.hash));
  useEffect(() => {
    const changed = () => set(place(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return at;
}

/** The columns of these names, null until all are there. */
export function useColumns(corpus: Corpus | null, names: string[]): Map<string, Column> | null {
  const key = names.join("\n");
  const [held, set] = useState<{ key: string; columns: Map<string, Column> } | null>(null);
  useEffect(() => {
    let here = true;
    if (corpus) Promise.all(names.map((name) => corpus.column(name))).then((columns) => {
      if (here) set({ key, columns: new Map(columns.map((one) => [one.name, one])) });
    }, (error: Error) => console.error(error.message));
    return () => { here = false; };
  }, [corpus, key]);
  // what is loaded already is there at once: nothing flickers when a filter is added
  return useMemo(() => {
    if (held && held.key === key) return held.columns;
    const ready = corpus ? names.map((name) => corpus.ready.get(name)) : [undefined];
    return ready.every((one) => one !== undefined) ? new Map(ready.map((one) => [one!.name, one!])) : null;
  }, [corpus, key, held]);
}

export function usePromise<T>(make: () => Promise<T> | null, keys: unknown[]): { value: T | null; error: string } {
  const [held, set] = useState<{ value: T | null; error: string }>({ value: null, error: "" });
  useEffect(() => {
    let here = true;
    set({ value: null, error: "" });
    make()?.then((value) => here && set({ value, error: "" }), (error: Error) => here && set({ value: null, error: error.message }));
    return () => { here = false; };
  }, keys);
  return held;
}

export function useWidth<T extends HTMLElement>() {
  const ref = useRef<T>(null);
  const [width, set] = useState(0);
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => set(Math.floor(entry!.contentRect.width)));
    if (ref.current) watcher.observe(ref.current);
    return () => watcher.disconnect();
  }, []);
  return { ref, width };
}

/** What of a tall list is in the window: first pixel and height, relative to the element. */
export function useWindow<T extends HTMLElement>(ref: { current: T | null }): { top: number; height: number } {
  const [seen, set] = useState({ top: 0, height: innerHeight });
  useEffect(() => {
    let frame = 0;
    const look = () => {
      frame = 0;
      if (ref.current) set({ top: -ref.current.getBoundingClientRect().top, height: innerHeight });
    };
    const soon = () => { frame ||= requestAnimationFrame(look); };
    look();
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
    return () => { removeEventListener("scroll", soon); removeEventListener("resize", soon); cancelAnimationFrame(frame); };
  }, []);
  return seen;
}

/** A column's name for people. */
export function title(name: string): string {
  const known: Record<string, string> = {
    age_years: "Age", qc: "QC", cjv: "CJV", license: "Licence", outcome: "Outcome", odd_in: "Oddest number",
    voxel_mm: "Voxel size", field_strength_t: "Field strength", scan_id: "Scan id", reason: "Reason",
    brain_mask_ml: "Brain", gm_ml: "Grey matter", wm_ml: "White matter", csf_ml: "CSF",
    icv_ml: "Intracranial volume", size: "File size",
  };
  if (known[name]) return known[name];
  const words = name.replace(/_(ml|mm|years|s|t|deg)$/, "").replaceAll("_", " ").replace(/\b(gm|wm|csf|fwhm|fov|snr|cnr|efc|qc)\b/g, (one) => one.toUpperCase());
  return (words[0] ?? "").toUpperCase() + words.slice(1);
}
export function unit(name: string): string {
  const found = /_(ml|mm|years|s|t|deg)$/.exec(name);
  return found ? { ml: "ml", mm: "mm", years: "y", s: "s", t: "T", deg: "°" }[found[1]!]! : name === "size" ? "bytes" : "";
}
