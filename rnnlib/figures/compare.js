// Two translations beside one another: which symbols they share.

// The longest common subsequence of two lists: for each entry, whether it belongs to it.
export function shared(one, other) {
  const [n, m] = [one.length, other.length];
  const length = Array.from({ length: n + 1 }, () => new Uint16Array(m + 1));
  for (let i = n - 1; i >= 0; i--)
    for (let j = m - 1; j >= 0; j--)
      length[i][j] = one[i] === other[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
  const [inOne, inOther] = [Array(n).fill(false), Array(m).fill(false)];
  for (let i = 0, j = 0; i < n && j < m; ) {
    if (one[i] === other[j]) [inOne[i++], inOther[j++]] = [true, true];
    else if (length[i + 1][j] >= length[i][j + 1]) i++;
    else j++;
  }
  return [inOne, inOther];
}

// the place of the first symbol that differs; the length of both where none does
export function firstDifference(one, other) {
  let n = 0;
  while (n < one.length && n < other.length && one[n] === other[n]) n++;
  return n;
}

// the words around the first difference: ["August 3", "August 8"] -> ["3", "8"]
export function difference(one, other) {
  const start = firstDifference(one, other);
  if (start === one.length && start === other.length) return ["", ""];
  let [i, j] = [one.length, other.length];
  while (i > start && j > start && one[i - 1] === other[j - 1]) [i, j] = [i - 1, j - 1];
  const letter = (sign) => sign !== undefined && /[\p{L}\p{N}]/u.test(sign);
  let from = start;
  while (from > 0 && letter(one[from - 1])) from--;
  while (i < one.length && j < other.length && letter(one[i]) && letter(other[j])) [i, j] = [i + 1, j + 1];
  return [one.slice(from, i).join(""), other.slice(from, j).join("")];
}
