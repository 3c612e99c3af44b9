// Small real matrices, row by row in flat arrays: products, and singular values by one-sided Jacobi rotations.

// A B, both n × n
export function product(A, B, n) {
  const C = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) {
      const a = A[i * n + k];
      if (a !== 0) for (let j = 0; j < n; j++) C[i * n + j] += a * B[k * n + j];
    }
  return C;
}

export function transpose(A, n) {
  const B = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) B[j * n + i] = A[i * n + j];
  return B;
}

export function identity(n) {
  const I = new Float64Array(n * n);
  for (let i = 0; i < n; i++) I[i * n + i] = 1;
  return I;
}

// The singular values of A (n × n), largest first: its rows are turned in pairs until every two are orthogonal;
// then their lengths are the singular values (Hestenes 1958).
export function singularValues(A, n) {
  const R = Float64Array.from(A);
  for (let sweep = 0, turned = true; turned && sweep < 40; sweep++) {
    turned = false;
    for (let p = 0; p < n - 1; p++) for (let q = p + 1; q < n; q++) turned = orthogonalise(R, p, q, n) || turned;
  }
  const lengths = Array.from({ length: n }, (_, i) => Math.hypot(...R.subarray(i * n, (i + 1) * n)));
  return lengths.sort((a, b) => b - a);
}

function orthogonalise(R, p, q, n) {
  let [pp, qq, pq] = [0, 0, 0];
  for (let j = 0; j < n; j++) {
    const [a, b] = [R[p * n + j], R[q * n + j]];
    pp += a * a;
    qq += b * b;
    pq += a * b;
  }
  if (Math.abs(pq) <= 1e-14 * Math.sqrt(pp * qq)) return false;
  const zeta = (qq - pp) / (2 * pq);
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const c = 1 / Math.hypot(1, t);
  for (let j = 0; j < n; j++) {
    const [a, b] = [R[p * n + j], R[q * n + j]];
    R[p * n + j] = c * (a - t * b);
    R[q * n + j] = c * (t * a + b);
  }
  return true;
}
