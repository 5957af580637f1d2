// What hands do on a map: the wheel and two fingers zoom, one drags, or draws a lasso or a line when asked to.
import { moved, zoomed, type Camera } from "./camera";
import type { Stage } from "./stage";

export type Tool = "hand" | "lasso" | "line";
export interface Wishes {
  tool(): Tool;
  hover(left: number, top: number): void;
  leave(): void;
  click(left: number, top: number, event: PointerEvent): void;
  drawn(line: number[], event: PointerEvent): void; // [left, top, ...]
  drawing(line: number[] | null): void;
}
const CLICK = 4; // pixels that a hand trembles

/** Listen on the element; the answer stops it. */
export function listen(element: HTMLElement, stage: Stage, wishes: Wishes): () => void {
  const fingers = new Map<number, [number, number]>();
  let line: number[] | null = null;
  let far = 0; // pixels moved since the button went down
  const place = (event: MouseEvent): [number, number] => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const look = (camera: Camera): void => stage.look(camera);

  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
    const by = Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0018)); // ctrlKey: two fingers on a pad
    look(zoomed(stage.camera, stage.size, by, ...place(event)));
  };
  const down = (event: PointerEvent): void => {
    if (event.button !== 0 || (event.target as HTMLElement).closest("button, input, a")) return;
    fingers.set(event.pointerId, place(event));
    if (fingers.size > 1) return;
    far = 0;
    line = wishes.tool() === "hand" ? null : [...place(event)];
    element.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent): void => {
    const now = place(event);
    const old = fingers.get(event.pointerId);
    if (!old) return void (event.pointerType !== "touch" && wishes.hover(...now));
    const [dx, dy] = [now[0] - old[0], now[1] - old[1]];
    far += Math.hypot(dx, dy);
    if (fingers.size === 2) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)![1];
      const before = Math.hypot(old[0] - other[0], old[1] - other[1]) || 1;
      const after = Math.hypot(now[0] - other[0], now[1] - other[1]) || 1;
      const middle: [number, number] = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
      look(moved(zoomed(stage.camera, stage.size, after / before, ...middle), stage.size, dx / 2, dy / 2));
      line = null;
      wishes.drawing(null);
    } else if (line) {
      line.push(...now);
      wishes.drawing(line);
    } else if (far >= CLICK) {
      look(moved(stage.camera, stage.size, dx, dy));
    }
    fingers.set(event.pointerId, now);
  };
  const up = (event: PointerEvent): void => {
    if (!fingers.delete(event.pointerId)) return;
    wishes.drawing(null);
    if (fingers.size || event.type === "pointercancel") line = null;
    else if (far < CLICK) wishes.click(...place(event), event);
    else if (line) wishes.drawn(line, event);
    if (!fingers.size) line = null;
  };
  const leave = (): void => wishes.leave();

  const signal = new AbortController();
  const on = { signal: signal.signal };
  element.addEventListener("wheel", wheel, { ...on, passive: false });
  element.addEventListener("pointerdown", down, on);
  element.addEventListener("pointermove", move, on);
  element.addEventListener("pointerup", up, on);
  element.addEventListener("pointercancel", up, on);
  element.addEventListener("pointerleave", leave, on);
  return () => signal.abort();
}

/** In a slider, arrows are the slider's own and not the map's: give it this as `onKeyDown`. */
export function ownArrows(event: KeyboardEvent): void {
  if (event.key.startsWith("Arrow")) event.stopPropagation();
}
