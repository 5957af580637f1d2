// Small parts that all pages share.
import type { ButtonHTMLAttributes, ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { thumb } from "../api";
import { keyOf, printed, useKeys } from "../keys";
import { go } from "../route";
import { state, useValue } from "../store";
import type { Item } from "../types";

export * from "./numbers";

/** The key of an action, as it stands in the settings now. */
export function Key({ action }: { action: string }) {
  useValue(state);
  const key = keyOf(action);
  return key ? <kbd>{printed(key)}</kbd> : null;
}

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "action"> {
  action?: string; // its key is printed on it
  primary?: boolean;
  disabled?: boolean;
  children?: ComponentChildren;
}

export function Button({ action, primary, children, ...rest }: ButtonProps) {
  return (
    <button type="button" class={primary ? "primary" : undefined} aria-keyshortcuts={action && keyOf(action)} {...rest}>
      {children}
      {action && <Key action={action} />}
    </button>
  );
}

export function Link({ href, current, children }: { href: string; current?: boolean; children: ComponentChildren }) {
  const follow = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(href);
  };
  return (
    <a href={href} aria-current={current ? "page" : undefined} onClick={follow}>
      {children}
    </a>
  );
}

/** A picture of an item; a sound is drawn as its spectrum, a row of numbers as a line. */
export function Thumb({ item, size = 160, alt }: { item: Item; size?: number; alt?: string }) {
  return <img class="thumb" src={thumb(item, size)} alt={alt ?? item.name} title={item.name} loading="lazy" decoding="async" draggable={false} />;
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** Something over the page: the keyboard stays inside, and Esc closes it. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  const beside = useRef(false); // where the pointer went down: who marks text and lets go beside the dialog goes on writing
  useEffect(() => {
    const dialog = box.current!;
    const before = document.activeElement as HTMLElement | null;
    dialog.showModal(); // which goes to the first button, where Space closes it and letters are keys of the page
    dialog.querySelector<HTMLElement>("input, select, textarea")?.focus();
    return () => before?.focus?.();
  }, []);
  useKeys({ back: close, modal: () => undefined });
  return (
    <dialog ref={box} aria-label={title} onCancel={(event) => (event.preventDefault(), close())} 
      onPointerDown={(event) => void (beside.current = event.target === box.current)} onClick={(event) => event.target === box.current && beside.current && close()}>
      <div class="dialog">
        <header>
          <h2>{title}</h2>
          <button type="button" class="quiet" aria-label="Close" onClick={close}>×</button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
