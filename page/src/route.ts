// Pages by address: the browser's back and forward buttons work, and an address can be kept.
import { Value } from "./store";

const read = (): URL => new URL(location.href);
export const route = new Value<URL>(read());
window.addEventListener("popstate", () => (route.value = read()));

export function go(path: string): void {
  if (path === location.pathname + location.search) return;
  history.pushState(null, "", path);
  route.value = read();
}

/** Change the query of this page without a new step back. */
export function requery(change: Record<string, string | null>): void {
  const url = read();
  for (const [key, value] of Object.entries(change)) {
    if (value === null) url.searchParams.delete(key);
    else url.searchParams.set(key, value);
  }
  history.replaceState(null, "", url);
  route.value = url;
}
