// Where a function on a grid is above a level: the outlines of that region, by marching squares.

// the sides of a cell (0 left, 1 top, 2 right, 3 bottom) between which the outline runs, by the corners that are above:
// 1 bottom left, 2 bottom right, 4 top right, 8 top left; the region lies on the same hand all along
const SIDES = [
  [],
  [[3, 0]],
  [[2, 3]],
  [[2, 0]],
  [[1, 2]],
  [
    [3, 0],
    [1, 2],
  ],
  [[1, 3]],
  [[1, 0]],
  [[0, 1]],
  [[3, 1]],
  [
    [2, 3],
    [0, 1],
  ],
  [[2, 1]],
  [[0, 2]],
  [[3, 2]],
  [[0, 3]],
  [],
];

// `values` row by row, the lowest row first; place(column, row) -> [x, y]. Returns the d of a path, closed rings. The grid
// is taken to lie in a frame that is below the level.
export function region(values, columns, rows, level, place) {
  const width = columns + 2;
  const at = (c, r) => (c < 1 || r < 1 || c > columns || r > rows ? Number.NEGATIVE_INFINITY : values[(r - 1) * columns + c - 1]);
  const next = new Map(); // from an edge of the grid to the next one along the outline
  for (let r = 0; r <= rows; r++) {
    for (let c = 0; c <= columns; c++) {
      const corners =
        (at(c, r) > level) + 2 * (at(c + 1, r) > level) + 4 * (at(c + 1, r + 1) > level) + 8 * (at(c, r + 1) > level);
      for (const [from, to] of SIDES[corners]) next.set(edge(c, r, from, width), edge(c, r, to, width));
    }
  }
  const point = (name) => {
    const upright = name % 2;
    const [c, r] = [((name - upright) / 2) % width, Math.floor((name - upright) / 2 / width)];
    const [c2, r2] = upright ? [c, r + 1] : [c + 1, r];
    const [one, two] = [at(c, r), at(c2, r2)];
    // towards the frame the outline stays on the grid's border
    const share = one === Number.NEGATIVE_INFINITY ? 1 : two === Number.NEGATIVE_INFINITY ? 0 : (level - one) / (two - one);
    const [x, y] = place(c - 1 + share * (c2 - c), r - 1 + share * (r2 - r));
    return `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`;
  };
  let d = "";
  while (next.size) {
    const [start] = next.keys();
    const ring = [];
    for (let name = start; next.has(name); ) {
      const to = next.get(name);
      next.delete(name);
      ring.push(point(name));
      name = to;
    }
    d += `M${ring.join("L")}Z`;
  }
  return d;
}

// a name for an edge of the grid: that below the cell's lowest left point upwards (odd) or to the right (even)
function edge(c, r, side, width) {
  const [column, row] = [c + (side === 2 ? 1 : 0), r + (side === 1 ? 1 : 0)];
  return 2 * (row * width + column) + (side === 0 || side === 2 ? 1 : 0);
}
