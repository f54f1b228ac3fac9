"use strict";
// A brain that turns: every triangle is drawn here, pixel by pixel, with a depth buffer. No graphics card,
// no library, no network. Data: <script id="mesh" type="application/json">.
(() => {
  const canvas = document.getElementById("brain");
  const context = canvas.getContext("2d");
  const data = JSON.parse(document.getElementById("mesh").textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
  const quantised = new Int16Array(bytes(data.vertices));
  const faces = new Uint32Array(bytes(data.faces));
  const count = quantised.length / 3;
  const position = new Float32Array(quantised.length);
  for (let i = 0; i < quantised.length; i++) position[i] = quantised[i] * data.step;

  const normal = new Float32Array(position.length);
  for (let f = 0; f < faces.length; f += 3) {
    const a = faces[f] * 3, b = faces[f + 1] * 3, c = faces[f + 2] * 3;
    const ux = position[b] - position[a], uy = position[b + 1] - position[a + 1], uz = position[b + 2] - position[a + 2];
    const vx = position[c] - position[a], vy = position[c + 1] - position[a + 1], vz = position[c + 2] - position[a + 2];
    const nx = uy * vz - uz * vy, ny = uz * vx - ux * vz, nz = ux * vy - uy * vx;
    for (const i of [a, b, c]) { normal[i] += nx; normal[i + 1] += ny; normal[i + 2] += nz; }
  }
  for (let i = 0; i < normal.length; i += 3) {
    const length = Math.hypot(normal[i], normal[i + 1], normal[i + 2]) || 1;
    normal[i] /= length; normal[i + 1] /= length; normal[i + 2] /= length;
  }

  const size = canvas.width, half = size / 2;
  const image = context.createImageData(size, size);
  const pixels = new Uint32Array(image.data.buffer);
  const depth = new Float32Array(size * size);
  const x = new Float32Array(count), y = new Float32Array(count), z = new Float32Array(count);
  const shade = new Float32Array(count);
  // rows of the rotation: screen right, screen up, towards the viewer, in RAS+
  const VIEWS = {
    left: [[0, -1, 0], [0, 0, 1], [-1, 0, 0]], right: [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
    front: [[-1, 0, 0], [0, 0, 1], [0, 1, 0]], back: [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    top: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], below: [[-1, 0, 0], [0, 1, 0], [0, 0, -1]],
  };
  let view = VIEWS.left, zoom = 1, waiting = false;

  function turn(yaw, pitch) {
    const cy = Math.cos(yaw), sy = Math.sin(yaw), cp = Math.cos(pitch), sp = Math.sin(pitch);
    const [r, u, t] = view;
    const r1 = r.map((v, i) => cy * v - sy * t[i]), t1 = r.map((v, i) => sy * v + cy * t[i]);
    view = [r1, u.map((v, i) => cp * v - sp * t1[i]), u.map((v, i) => sp * v + cp * t1[i])];
    ask();
  }

  function draw() {
    waiting = false;
    const scale = (half * 0.94 * zoom) / data.radius;
    const [r, u, t] = view;
    for (let i = 0, k = 0; i < count; i++, k += 3) {
      const px = position[k], py = position[k + 1], pz = position[k + 2];
      x[i] = half + scale * (r[0] * px + r[1] * py + r[2] * pz);
      y[i] = half - scale * (u[0] * px + u[1] * py + u[2] * pz);
      z[i] = t[0] * px + t[1] * py + t[2] * pz;
      const nx = normal[k], ny = normal[k + 1], nz = normal[k + 2];
      const right = r[0] * nx + r[1] * ny + r[2] * nz, up = u[0] * nx + u[1] * ny + u[2] * nz;
      const near = t[0] * nx + t[1] * ny + t[2] * nz;
      const light = -0.35 * right + 0.5 * up + 0.79 * near;
      shade[i] = 0.16 + 0.84 * Math.max(0, light);
    }
    pixels.fill(0);
    depth.fill(-1e9);
    for (let f = 0; f < faces.length; f += 3) triangle(faces[f], faces[f + 1], faces[f + 2]);
    context.putImageData(image, 0, 0);
  }

  function triangle(a, b, c) {
    const area = (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a]);
    if (area >= 0) return; // seen from behind: the screen's y points down
    const x0 = Math.max(0, Math.ceil(Math.min(x[a], x[b], x[c]))), x1 = Math.min(size - 1, Math.floor(Math.max(x[a], x[b], x[c])));
    const y0 = Math.max(0, Math.ceil(Math.min(y[a], y[b], y[c]))), y1 = Math.min(size - 1, Math.floor(Math.max(y[a], y[b], y[c])));
    for (let py = y0; py <= y1; py++) {
      for (let px = x0; px <= x1; px++) {
        const wa = ((x[b] - px) * (y[c] - py) - (y[b] - py) * (x[c] - px)) / area;
        const wb = ((x[c] - px) * (y[a] - py) - (y[c] - py) * (x[a] - px)) / area;
        const wc = 1 - wa - wb;
        if (wa < 0 || wb < 0 || wc < 0) continue;
        const place = py * size + px, near = wa * z[a] + wb * z[b] + wc * z[c];
        if (near <= depth[place]) continue;
        depth[place] = near;
        const s = wa * shade[a] + wb * shade[b] + wc * shade[c];
        pixels[place] = 0xff000000 | ((s * 178) << 16) | ((s * 196) << 8) | (s * 232);
      }
    }
  }

  function ask() { if (!waiting) { waiting = true; requestAnimationFrame(draw); } }

  let from = null;
  canvas.addEventListener("pointerdown", (event) => { from = event; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointerup", () => { from = null; });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    turn((event.clientX - from.clientX) * -0.01, (event.clientY - from.clientY) * -0.01);
    from = event;
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom = Math.min(4, Math.max(0.5, zoom * Math.exp(-event.deltaY * 0.001)));
    ask();
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0.15, 0], ArrowRight: [-0.15, 0], ArrowUp: [0, 0.15], ArrowDown: [0, -0.15] }[event.key];
    if (step) { event.preventDefault(); turn(step[0], step[1]); }
  });
  for (const button of document.querySelectorAll("button[data-view]")) {
    button.addEventListener("click", () => { view = VIEWS[button.dataset.view]; ask(); });
  }
  turn(0.35, 0.2);
})();
