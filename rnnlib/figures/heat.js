// The overview: every unit a row, every character a column, painted on a canvas that lies behind a stage's picture.

import { label } from "./chart.js";
import { clamp, html } from "./elements.js";
import { GATE_NAMES } from "./slide.js";
import { mark } from "./stage.js";

// a colour as the page resolves it, as [red, green, blue]
function rgb(colour) {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

export class Heat {
  constructor(stage) {
    this.canvas = html("canvas", { class: "gm-heat", "aria-hidden": "true" });
    this.colours = null;
    // its colour runs over when the page goes from light to dark, for whatever reason: then it is painted anew
    this.canvas.addEventListener("transitionend", () => {
      this.colours = null;
      if (this.last) this.paint(...this.last);
    });
    stage.box.prepend(this.canvas);
  }

  // All units, in `order`, over the whole text; while one is held, how much the others change. Returns the width.
  overview(place, { order, known, gate, rangeOf, held, now, before }) {
    const columns = Math.max(known.length, 1);
    const width = Math.min(columns, place.columns) * place.advance;
    this.place(place.left, place.heat.top, width, place.heat.height);
    const key = JSON.stringify([gate, held, now.length, before.length, known]);
    if (key === this.painted) return width;
    this.painted = key;
    const [values, old] = [now, before].map((moments) => moments.slice(1).map(({ gates }) => gates[gate]));
    const most = order.map((unit) => rangeOf(unit)[1]);
    this.paint(order.length, columns, held ? "state" : gate, (row, column) => {
      if (column >= values.length) return 0;
      const value = values[column][order[row]];
      if (!held) return value / most[row];
      return column < old.length ? clamp((1.5 * (value - old[column][order[row]])) / most[row], -1, 1) : 0;
    });
    return width;
  }

  place(x, y, width, height) {
    const style = { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` };
    Object.assign(this.canvas.style, style);
  }

  // value(row, column): 0 is the ground, 1 and -1 are the full colours; `kind` is the class that chooses them
  paint(rows, columns, kind, value) {
    this.last = [rows, columns, kind, value];
    const { canvas } = this;
    if (canvas.className !== `gm-heat ${kind}` || !this.colours) {
      canvas.className = `gm-heat ${kind}`;
      const { color, outlineColor } = getComputedStyle(canvas);
      this.colours = [rgb(outlineColor), rgb(color)];
    }
    if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(columns, rows);
    const { data } = image;
    for (let row = 0, n = 0; row < rows; row++)
      for (let column = 0; column < columns; column++, n += 4) {
        const v = value(row, column);
        const colour = this.colours[v < 0 ? 0 : 1];
        data[n] = colour[0];
        data[n + 1] = colour[1];
        data[n + 2] = colour[2];
        data[n + 3] = 255 * Math.min(1, Math.abs(v));
      }
    pen.putImageData(image, 0, 0);
  }
}

// What stands around the canvas: its frame and names, the part of the text in sight, the row of the chosen unit.
export function frame(place, { letters, units, held, gate, from, width, y }) {
  const { top, height } = place.heat;
  const { left } = place;
  const marks = [mark("rect", "heatbox", { class: "gm-heatbox", x: left, y: top, width, height })];
  const strong = { class: "rf-strong", "font-size": 13 };
  if (place.wide)
    marks.push(
      label("h1", 4, top + 12, held ? "what else moves" : `all ${units} units`, strong),
      label("h2", 4, top + 28, held ? `${units} units, change` : GATE_NAMES[gate]),
      label("h3", 4, top + 44, "sorted: what keeps"),
      label("h4", 4, top + 59, "longest on top"),
    );
  if (letters > place.columns)
    marks.push(
      mark("rect", "window", {
        class: "gm-window",
        x: left + (from / letters) * width,
        width: (place.columns / letters) * width,
        y: top - 2,
        height: height + 4,
        rx: 2,
      }),
    );
  marks.push(mark("line", "rowline", { class: "gm-row", x1: left, x2: left + width, y1: y, y2: y }));
  return marks;
}
