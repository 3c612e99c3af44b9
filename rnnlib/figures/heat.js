// The overview: every unit a row, every character a column, painted on a canvas that lies behind a stage's picture.

import { html } from "./elements.js";

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
