// The last few items with their answers, the one that is shown, and the next three.
import type { Item } from "../types";
import { Thumb } from "../ui/parts";
import type { Deck } from "./deck";
import { worded } from "./details";

const BEFORE = 4;
const AFTER = 3;

export function Strip({ deck, go }: { deck: Deck; go: (item: Item) => void }) {
  const first = Math.max(0, deck.at - BEFORE);
  const cards = deck.cards.slice(first, deck.at + AFTER + 1);
  return (
    <ol class="strip" aria-label="Last and next items">
      {cards.map((card, i) => {
        const here = first + i === deck.at;
        const said = card.given === null ? (first + i < deck.at ? "skipped over" : here ? "now" : "next") : worded(card.given);
        return (
          <li key={card.item.row} class={here ? "here" : undefined}>
            <button type="button" class="bare" aria-current={here || undefined} aria-label={`${card.item.name}, ${said}`} onClick={() => go(card.item)}>
              <Thumb item={card.item} size={96} alt="" />
            </button>
            <small class={card.mine ? "mine" : undefined}>{said}</small>
          </li>
        );
      })}
    </ol>
  );
}
