// The map: every item a point, near one another where the encoder finds them alike.
import { useRef } from "preact/hooks";
import { useActions } from "../map/actions";
import { columnOf, useAppearance } from "../map/appearance";
import { Bar } from "../map/bar";
import { Below } from "../map/below";
import { useChosen } from "../map/chosen";
import { useJourney } from "../map/journey";
import { useLooks } from "../map/looks";
import { Plots } from "../map/plots";
import { Search, useFound } from "../map/search";
import { Side } from "../map/side";
import type { Stage } from "../map/stage";
import { Strip } from "../map/strip";
import { TimeSlider } from "../map/time";
import { useCompared, usePoints, useRecord } from "../map/use";
import { viewing, Views } from "../map/views";
import { requery, route } from "../route";
import { useValue } from "../store";
import "./map.css";

export function MapPage() {
  const asked = useValue(route).searchParams;
  const stage = useRef<Stage | null>(null);
  const appearance = useAppearance();
  const { shown, hiding, change } = appearance;
  const { record, why } = useRecord(asked.get("space") ?? "");
  const column = columnOf(record, shown.column);
  const drawn = usePoints(record, column, shown.tint);
  const beside = useCompared(shown.other && shown.other !== record?.space?.name ? shown.other : null);
  const space = drawn?.space ?? "";
  const chosen = useChosen(asked.get("rows"));
  const looks = useLooks(drawn, beside.drawn, hiding, chosen.rows, shown.tint);
  const { found, setFound, drop } = useFound(space, stage);
  const { nextColor, selectView, selectCluster } = useActions({ record, drawn, column, appearance, chosen, stage });
  const journey = useJourney(record, drawn);

  if (why) return <Waiting text={why} />;
  if (!record || !drawn || !looks) return <Waiting text={record && !record.ready ? record.waiting : "Fetching the map"} />;
  const { tool, setTool, select, open, hover, ends, setEnds, setOpen } = chosen;
  return (
    <div class="map-page">
      <h1 class="visually-hidden">Map</h1>
      <Bar {...{ record, tool, setTool, change, selectView, nextColor }} shown={{ ...shown, column }} setSpace={(name) => requery({ space: name })} />
      <div class="row map-bar">
        <Search {...{ space, found, setFound }} />
        <Views first={record.views} {...viewing(space, appearance, stage)} />
      </div>
      <div class="map-main">
        <div class="map-left">
          <Plots {...{ record, drawn, beside, looks, shown, chosen, found, stage, selectCluster, drop }} leg={journey?.leg ?? null} />
          {journey && <TimeSlider {...journey} />}
          <Below {...{ record, drawn, beside, looks, appearance, select }} />
        </div>
        <Side {...{ record, space, chosen, found, selectCluster }} />
      </div>
      {record.space?.decodes && <Strip row={open} pointed={hover} {...{ ends, space, setEnds }} open={setOpen} />}
    </div>
  );
}

const Waiting = ({ text }: { text: string }) => <><h1>Map</h1><p class="opening" role="status">{text} …</p></>;
