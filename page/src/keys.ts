// The keyboard: actions by name, their keys from the project, and whoever is on the page listens.
import { useLayoutEffect, useRef } from "preact/hooks";
import { state } from "./store";

export type Action = string; // as in tacit/web/keys.py
export type Handlers = Partial<Record<Action, (event: KeyboardEvent) => void>>;

/** The name of a pressed key, as the project's settings write it: "z", "Shift+Z", "Space", "ArrowLeft", "+". */
export function keyName(event: Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "altKey" | "metaKey">): string {
  const key = event.key === " " ? "Space" : event.key;
  const letter = key.length === 1 && key.toLowerCase() !== key.toUpperCase();
  const shift = event.shiftKey && (letter || key.length > 1);
  const held = [event.ctrlKey && "Ctrl", event.altKey && "Alt", event.metaKey && "Meta", shift && "Shift"].filter(Boolean);
  return [...held, letter ? (shift ? key.toUpperCase() : key.toLowerCase()) : key].join("+");
}

const SHOWN: Record<string, string> = {
  ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Backspace: "⌫", Escape: "Esc", Enter: "↵",
};

/** How a key is printed on a button. */
export const printed = (key: string): string =>
  key.split("+").map((part) => SHOWN[part] ?? (part.length === 1 ? part.toUpperCase() : part)).join("+") || "+";

export const keyOf = (action: Action): string => state.value?.keys[action] ?? "";

/** The action of a key, among those somebody listens to now. */
export function actionOf(key: string): Action | undefined {
  const keys = state.value?.keys ?? {};
  const found = Object.keys(keys).find((action) => keys[action] === key);
  const first = found?.replace(/-2$/, ""); // a second key of the same action
  return first !== undefined && first in keys ? first : found;
}

const layers: Handlers[] = []; // the latest that was opened hears first

export function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element?.closest?.("input:not([type=checkbox]):not([type=range]):not([type=radio]), textarea, select, [contenteditable]");
}

function heard(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const name = keyName(event);
  const typing = isTyping(event.target);
  if (typing && name !== "Escape") return;
  const onButton = (event.target as HTMLElement | null)?.closest?.("button, a, summary, [role=slider], input");
  if (onButton && (name === "Enter" || name === "Space")) return; // the button's own
  if (event.repeat && !name.startsWith("Arrow")) return; // a key held down labels one item, not twenty
  const action = actionOf(name);
  if (action === undefined) return;
  for (const layer of [...layers].reverse()) {
    const handler = layer[action];
    if (handler) {
      event.preventDefault();
      handler(event);
      return;
    }
    if (layer.modal) return;
  }
}

/** Listen while this component is shown. A layer with `modal` keeps keys from those below it. */
export function useKeys(handlers: Handlers): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useLayoutEffect(() => { // once it is on the page, not a frame later: a key may come right behind a click
    const layer = new Proxy({} as Handlers, { get: (_, action: string) => latest.current[action] });
    layers.push(layer);
    return () => void layers.splice(layers.indexOf(layer), 1);
  }, []);
}

export function startKeys(): void {
  window.addEventListener("keydown", heard);
}
