// Points on axes: uPlot draws them on a canvas, 60,000 in well under a tenth of a second.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Column } from "./data";
import { useWidth } from "./hooks";

export interface Group { label: string; colour: string; rows: number[] }

const padded = (low: number, high: number): [number, number] => { const edge = (high - low) * 0.04 || 1; return [low - edge, high + edge]; };

export function Scatter({ x, y, groups, xLabel, yLabel, open, about, diagonal = false }: {
  x: Column; y: Column; groups: Group[]; xLabel: string; yLabel: string; open: (row: number) => void; about: string; diagonal?: boolean;
}) {
  const { ref, width } = useWidth<HTMLDivElement>();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!width || !place.current) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const rows = groups.flatMap((group) => group.rows)
      .filter((row) => Number.isFinite(x.number(row)) && Number.isFinite(y.number(row)))
      .sort((a, b) => x.number(a) - x.number(b));
    const of = groups.map((group) => new Set(group.rows));
    const xs = rows.map((row) => x.number(row));
    const series = groups.map((_, at) => rows.map((row) => (of[at]!.has(row) ? y.number(row) : null)));
    const axis = { stroke: colour("--ink-2"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px system-ui", labelFont: "12px system-ui", labelSize: 22, size: 48 };
    const plot = new uPlot({
      width, height: Math.max(240, Math.min(360, Math.round(width * 0.5))),
      scales: { x: { time: false, range: (_, low, high) => padded(low, high) }, y: { range: (_, low, high) => padded(low, high) } },
      legend: { show: groups.length > 1, live: false },
      cursor: { points: { show: false }, drag: { x: true, y: false } },
      axes: [{ ...axis, label: xLabel, size: 36 }, { ...axis, label: yLabel }],
      series: [{ label: xLabel }, ...groups.map((group) => ({
        label: `${group.label} (${of[groups.indexOf(group)]!.size})`, stroke: colour(group.colour), paths: () => null,
        points: { show: true, size: rows.length > 5000 ? 3 : 6, fill: colour(group.colour), width: 0 },
      }))],
      hooks: diagonal ? { draw: [(u) => {
        const low = Math.max(u.scales.x!.min!, u.scales.y!.min!), high = Math.min(u.scales.x!.max!, u.scales.y!.max!);
        u.ctx.save(); u.ctx.strokeStyle = colour("--ink-2"); u.ctx.setLineDash([6, 6]); u.ctx.beginPath();
        u.ctx.moveTo(u.valToPos(low, "x", true), u.valToPos(low, "y", true));
        u.ctx.lineTo(u.valToPos(high, "x", true), u.valToPos(high, "y", true));
        u.ctx.stroke(); u.ctx.restore();
      }] } : {},
    }, [xs, ...series] as uPlot.AlignedData, place.current);
    plot.over.addEventListener("click", (event) => {
      let best = -1, least = 15 ** 2; // CSS pixels within which a click means a point
      rows.forEach((row, at) => {
        const far = (plot.valToPos(xs[at]!, "x") - event.offsetX) ** 2 + (plot.valToPos(y.number(row), "y") - event.offsetY) ** 2;
        if (far < least) { least = far; best = row; }
      });
      if (best >= 0) open(best);
    });
    return () => plot.destroy();
  }, [x, y, width, groups.map((one) => one.rows.length).join()]);
  return <div ref={ref} class="plot" role="img" aria-label={about}><div ref={place} /></div>;
}
