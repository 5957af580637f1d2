// What part of the map is in view: a center, and how much larger than "all of it".

export interface Camera {
  x: number;
  y: number;
  zoom: number;
}
export interface Size {
  width: number; // CSS pixels
  height: number;
}

export const WHOLE: Camera = { x: 0, y: 0, zoom: 1 };
const MARGIN = 0.95;
const [LEAST, MOST] = [0.5, 2000];

/** Pixels per unit of the map. */
export const scaleOf = (camera: Camera, size: Size): number =>
  ((Math.min(size.width, size.height) || 1) / 2) * MARGIN * camera.zoom;

export function toScreen(camera: Camera, size: Size, x: number, y: number): [number, number] {
  const scale = scaleOf(camera, size);
  return [size.width / 2 + (x - camera.x) * scale, size.height / 2 - (y - camera.y) * scale];
}

export function toMap(camera: Camera, size: Size, left: number, top: number): [number, number] {
  const scale = scaleOf(camera, size);
  return [camera.x + (left - size.width / 2) / scale, camera.y - (top - size.height / 2) / scale];
}

const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** Zoom by a factor; what is under (left, top) stays there. */
export function zoomed(camera: Camera, size: Size, by: number, left = size.width / 2, top = size.height / 2): Camera {
  const [x, y] = toMap(camera, size, left, top);
  const zoom = within(camera.zoom * by, LEAST, MOST);
  const k = camera.zoom / zoom;
  return kept({ x: x + (camera.x - x) * k, y: y + (camera.y - y) * k, zoom });
}

/** Move the picture by pixels. */
export function moved(camera: Camera, size: Size, dx: number, dy: number): Camera {
  const scale = scaleOf(camera, size);
  return kept({ ...camera, x: camera.x - dx / scale, y: camera.y + dy / scale });
}

/** The map cannot be lost out of sight. */
const kept = (camera: Camera): Camera => ({ ...camera, x: within(camera.x, -1.2, 1.2), y: within(camera.y, -1.2, 1.2) });

/** The corners of what is in view: [left, bottom, right, top] on the map. */
export function inView(camera: Camera, size: Size): [number, number, number, number] {
  const [left, top] = toMap(camera, size, 0, 0);
  const [right, bottom] = toMap(camera, size, size.width, size.height);
  return [left, bottom, right, top];
}
