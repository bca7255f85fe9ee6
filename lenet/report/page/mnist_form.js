// A drawing in MNIST's form, as lenet/photo/mnist_form.py makes it: the ink's box scaled so that its longer side has 20
// pixels, full intensity, the centre of mass in the middle of 28x28.
'use strict';

const SIDE = 28;
const BOX = 20;
const CENTRE = 14;

function roundHalfEven(x) {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 ? floor + 1 : floor;
}

// One axis of Pillow's resampling: each result is the mean of the pixels in its box, or linear between two of them.
function resampleAxis(read, length, target, averages) {
  const scale = length / target;
  const spread = Math.max(scale, 1);
  const support = (averages ? 0.5 : 1) * spread;
  return (i) => {
    const centre = (i + 0.5) * scale;
    const from = Math.max(Math.trunc(centre - support + 0.5), 0);
    const to = Math.min(Math.trunc(centre + support + 0.5), length);
    let sum = 0;
    let weights = 0;
    for (let k = from; k < to; k++) {
      const distance = (k - centre + 0.5) / spread;
      const weight = averages ? Number(distance > -0.5 && distance <= 0.5) : Math.max(1 - Math.abs(distance), 0);
      sum += weight * read(k);
      weights += weight;
    }
    return sum / weights;
  };
}

// picture: {width, height, values: Float32Array, row by row}.
function resize(picture, width, height) {
  const averages = width * height <= picture.values.length;
  const rows = new Float32Array(picture.height * width);
  for (let y = 0; y < picture.height; y++) {
    const value = resampleAxis((x) => picture.values[y * picture.width + x], picture.width, width, averages);
    for (let x = 0; x < width; x++) rows[y * width + x] = value(x);
  }
  const values = new Float32Array(height * width);
  for (let x = 0; x < width; x++) {
    const value = resampleAxis((y) => rows[y * width + x], picture.height, height, averages);
    for (let y = 0; y < height; y++) values[y * width + x] = value(y);
  }
  return {width, height, values};
}

function percentile(values, percent) {
  const sorted = Float32Array.from(values).sort();
  const at = (sorted.length - 1) * percent / 100;
  const low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

// The box of the ink, null where there is none: a quarter of full darkness is a stroke's soft edge, less is nothing.
function cropInk(picture) {
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
  const least = 0.25 * picture.values.reduce((a, b) => Math.max(a, b), 0);
  for (let i = 0; i < picture.values.length; i++) {
    if (picture.values[i] <= least) continue;
    const [x, y] = [i % picture.width, Math.floor(i / picture.width)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  }
  if (right < 0) return null;
  const [width, height] = [right - left + 1, bottom - top + 1];
  const values = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = (top + y) * picture.width + left;
    values.set(picture.values.subarray(from, from + width), y * width);
  }
  return {width, height, values};
}

function fitBox(digit) {
  const scale = BOX / Math.max(digit.width, digit.height);
  const sides = [digit.width, digit.height].map((side) => Math.max(1, roundHalfEven(scale * side)));
  const small = resize(digit, ...sides);
  const most = small.values.reduce((a, b) => Math.max(a, b), 0);
  const full = percentile(small.values.filter((value) => value > 0.15 * most), 90);
  return {...small, values: small.values.map((value) => Math.min(Math.max(value, 0) * 255 / full, 255))};
}

// The corner, along one axis, that brings the centre of mass to the middle without losing a pixel.
function cornerOf(masses) {
  const total = masses.reduce((a, b) => a + b, 0);
  const middle = masses.reduce((sum, mass, i) => sum + mass * i, 0) / total;
  return Math.min(Math.max(Math.floor(CENTRE - middle + 0.5), 0), SIDE - masses.length);
}

function centreByMass(digit) {
  const columns = new Array(digit.width).fill(0);
  const rows = new Array(digit.height).fill(0);
  digit.values.forEach((value, i) => {
    columns[i % digit.width] += value;
    rows[Math.floor(i / digit.width)] += value;
  });
  const [left, top] = [cornerOf(columns), cornerOf(rows)];
  const greys = new Uint8Array(SIDE * SIDE);
  digit.values.forEach((value, i) => {
    greys[(top + Math.floor(i / digit.width)) * SIDE + left + i % digit.width] = roundHalfEven(value);
  });
  return greys;
}

// picture: {width, height, values: the darkness of ink, 0 ground}. Returns 784 grey levels, null without ink.
function toMnistForm(picture) {
  const digit = cropInk(picture);
  return digit && centreByMass(fitBox(digit));
}
