// What was measured for each window: which delays are learned, and the truncated gradient beside the full one.

import { arrow, label } from "./chart.js";
import { fixed } from "./elements.js";
import { mark } from "./stage.js";

const CHANCE = 0.25; // of copying one of four letters

export const degrees = (cosine) => Math.round((Math.acos(Math.min(1, cosine)) * 180) / Math.PI);

export function learned({ table, ks, delays, wide }, { measured, n, row, window }) {
  const { left, top, row: high, gap, bottom } = table;
  const off = window === "chunks" ? "" : "off";
  const head = off ? "letters copied rightly: trained with chunks only" : "letters copied rightly after training, in %";
  const marks = [label("lh", 0, top - 8, head, { class: off ? "rf-soft" : "rf-soft" })];
  delays.forEach((delay, r) => {
    const y = top + r * high;
    marks.push(
      label(`ld${r}`, left - 8, y + high / 2 + 4, delay, {
        "text-anchor": "end",
        class: `tw-axis ${r === row ? "now" : ""}`,
      }),
    );
    ks.forEach((_, c) => {
      const share = Math.max(0, (measured.copied[r][c] - CHANCE) / (1 - CHANCE));
      const fill = off
        ? "fill: var(--rf-raised)"
        : `fill: color-mix(in oklab, var(--rf-green) ${Math.round(share * 48)}%, var(--rf-raised))`;
      marks.push(
        mark("rect", `heat${r} ${c}`, {
          class: "tw-heat",
          x: left + c * gap + 1,
          y: y + 1,
          width: gap - 2,
          height: high - 2,
          rx: 4,
          style: fill,
        }),
      );
      const text = {
        class: `on tw-percent ${off}`,
        x: left + (c + 0.5) * gap,
        y: y + high / 2 + 4,
        "text-anchor": "middle",
        "font-size": wide ? 12 : 11,
      };
      marks.push(mark("text", `per${r} ${c}`, text, Math.round(100 * measured.copied[r][c])));
    });
  });
  ks.forEach((k, c) =>
    marks.push(
      label(`lk${c}`, left + (c + 0.5) * gap, bottom + 15, k, {
        "text-anchor": "middle",
        class: `tw-axis ${c === n ? "now" : ""}`,
      }),
    ),
  );
  marks.push(
    label("lx", table.width, bottom + 31, "window k", { "text-anchor": "end" }),
    label("ly", 0, bottom + 15, "delay"),
  );
  return marks;
}

export function gradients({ arrows: { left, top, full, base }, wide }, state) {
  const { cosine, length, error, bytes, window } = state;
  const angle = Math.acos(Math.min(1, cosine));
  const tip = [left + Math.cos(angle) * length * full, base - Math.sin(angle) * length * full];
  const bow = Math.min(wide ? 56 : 40, Math.max(14, length * full * 0.7));
  const bowEnd = [left + Math.cos(angle) * bow, base - Math.sin(angle) * bow];
  const numbers = [
    `${degrees(cosine)}° off`,
    `${fixed(100 * length, 0)} % as long`,
    `${fixed(100 * error, 0)} % error`,
    window === "chunks" ? `${fixed(bytes / 1e6, 1)} MB memory` : "memory: not measured",
  ];
  const x = left + full + (wide ? 16 : 12);
  return [
    label(
      "gh",
      left,
      top - 8,
      wide ? "gradient for W_hh on text: full, and truncated" : "the gradient on text, full and truncated",
    ),
    mark("path", "angle", {
      class: "tw-angle",
      d: `M${left + bow},${base} A${bow},${bow} 0 0 0 ${bowEnd[0]},${bowEnd[1]} L${left},${base} Z`,
    }),
    arrow("full", [left, base], [left + full, base], { class: "tw-arrow full", head: 12 }),
    arrow("short", [left, base], tip, { class: "tw-arrow cut", head: Math.min(12, length * full) }),
    label("fulln", left + full, base + 17, "full", { "text-anchor": "end" }),
    label("shortn", Math.min(tip[0] + 8, left + full - 62), Math.max(top + 8, tip[1] - 8), "truncated", {
      class: "tw-cutname",
    }),
    ...numbers.map((text, n) =>
      label(`num${n}`, x, base - (wide ? 84 : 64) + n * (wide ? 25 : 21), text, {
        class: "tw-number",
        "font-size": wide ? 15 : 13,
      }),
    ),
  ];
}
