// A button that plays a sound, and listens to the key that is printed on it.
import { sound } from "../api";
import { useKeys } from "../keys";
import { complain } from "../store";
import type { Item } from "../types";
import { Button } from "./parts";

/** Play buttons stop one another. */
let playing: HTMLAudioElement | null = null;

export function Play({ item, src, action }: { item?: Item; src?: string; action?: string }) {
  const play = (): void => {
    playing?.pause();
    playing = new Audio(src ?? sound(item!));
    void playing.play().catch(complain);
  };
  useKeys(action ? { [action]: play } : {});
  return <Button action={action} aria-label={`Play ${item?.name ?? "this sound"}`} onClick={play}>▶</Button>;
}
