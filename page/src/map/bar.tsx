// Over the map: which space, what it is colored by, what is shown on it, what hands do there.
import { Button } from "../ui/parts";
import type { Shown } from "./appearance";
import type { MapRecord } from "./data";
import { ownArrows, type Tool } from "./gestures";

interface Props {
  record: MapRecord;
  shown: Shown;
  tool: Tool;
  change(part: Partial<Shown>): void;
  setTool(tool: Tool): void;
  setSpace(name: string): void;
  selectView(): void;
  nextColor(): void;
}

export function Bar({ record, shown, tool, change, setTool, setSpace, selectView, nextColor }: Props) {
  const space = record.space?.name ?? "";
  const named = (one: MapRecord["spaces"][number]): string => (one.learned ? `${one.name} (${one.method})` : `${one.name}, nothing learned`);
  const flip = (part: "thumbs" | "contours" | "badges" | "tint", text: string, action?: string) => (
    <Button action={action} aria-pressed={shown[part]} onClick={() => change({ [part]: !shown[part] })}>{text}</Button>
  );
  return (
    <div class="row map-bar" role="toolbar" aria-label="The map">
      <label>
        space
        <select aria-label="space" value={space} onChange={(event) => setSpace(event.currentTarget.value)}>
          {record.spaces.map((one) => <option key={one.name} value={one.name}>{named(one)}</option>)}
        </select>
      </label>
      <label>
        color
        <select aria-label="color" value={shown.column} onChange={(event) => change({ column: event.currentTarget.value })}>
          {record.columns.map((one) => <option key={one.name} value={one.name}>{one.title}</option>)}
          <option value="-">nothing</option>
        </select>
      </label>
      <Button action="color" onClick={nextColor}>next<span class="visually-hidden"> color</span></Button>
      <label>
        size
        <input type="range" aria-label="size" min={0.4} max={3} step={0.1} value={shown.factor} onKeyDown={ownArrows} onInput={(event) => change({ factor: Number(event.currentTarget.value) })} />
      </label>
      <Button action="lasso" aria-pressed={tool === "lasso"} onClick={() => setTool(tool === "lasso" ? "hand" : "lasso")}>lasso</Button>
      {record.space?.decodes && <Button aria-pressed={tool === "line"} onClick={() => setTool(tool === "line" ? "hand" : "line")}>walk tool</Button>}
      {flip("thumbs", "thumbnails", "thumbnails")}
      {flip("contours", "contours")}
      {flip("badges", "clusters")}
      {record.points > record.pool && flip("tint", "color the yardstick")}
      <Button action="select-all" onClick={selectView}>select what is in view</Button>
      {record.spaces.length > 1 && (
        <label>
          compare
          <select aria-label="compare" value={shown.other} onChange={(event) => change({ other: event.currentTarget.value })}>
            <option value="">with nothing</option>
            {record.spaces.filter((one) => one.name !== space).map((one) => <option key={one.name} value={one.name}>{named(one)}</option>)}
          </select>
        </label>
      )}
    </div>
  );
}
