// The frame of every page: header, banners, help, messages.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useKeys } from "./keys";
import { elsewhere, waiting as outbox } from "./outbox";
import { GridPage } from "./pages/grid";
import { LabelPage } from "./pages/label";
import { LookPage } from "./pages/look";
import { MapPage } from "./pages/map";
import { PeoplePage } from "./pages/people";
import { ProgressPage } from "./pages/progress";
import { RunsPage } from "./pages/runs";
import { SettingsPage } from "./pages/settings";
import { TrainPage } from "./pages/train";
import { go, route } from "./route";
import { failure, kept, online, other, state, toasts, useValue } from "./store";
import { naming, NewClasses } from "./ui/classes";
import { JobLine } from "./ui/job";
import { count, Key, Link, number } from "./ui/parts";
import { Help } from "./ui/help";

const PAGES: Record<string, { title: string; page: ComponentType; key?: string }> = {
  map: { title: "Map", page: MapPage, key: "map" },
  label: { title: "Label", page: LabelPage },
  grid: { title: "Grid", page: GridPage, key: "grid" },
  progress: { title: "Progress", page: ProgressPage, key: "progress" },
  train: { title: "Train", page: TrainPage, key: "train" },
  people: { title: "People", page: PeoplePage },
  look: { title: "Look", page: LookPage },
  runs: { title: "Runs", page: RunsPage },
  settings: { title: "Settings", page: SettingsPage },
};
const away = kept<string[]>("banners away", []);

export function App() {
  const url = useValue(route);
  const now = useValue(state);
  const wrong = useValue(failure);
  const name = url.pathname.replace(/^\//, "") || "map";
  const shown = PAGES[name] ?? PAGES.map;
  const [help, setHelp] = useState(false);
  const named = useValue(naming);
  useKeys({
    map: () => go("/map"),
    grid: () => go("/grid"),
    progress: () => go("/progress"),
    train: () => go("/train"),
    suggest: () => go("/label"),
    yardstick: () => go("/label?kind=yardstick"),
    duplicates: () => go("/grid?show=duplicates"),
    help: () => setHelp(true),
    "new-class": () => (naming.value = true),
  });
  useEffect(() => {
    document.title = `${shown.title} – ${now?.name ?? "Tacit"}`;
  }, [shown, now?.name]);
  const Page = shown.page;
  return (
    <>
      <a class="skip" href="#main">Skip to the page</a>
      <Header current={name} />
      <Banners />
      <main id="main" class={`page-${name}`} tabIndex={-1}>
        {now?.ready ? <Page key={name} /> : <Opening reason={wrong ? `${wrong.message} ${wrong.next}` : now?.waiting} />}
      </main>
      {named && <NewClasses close={() => (naming.value = false)} />}
      {help && <Help close={() => setHelp(false)} />}
      <Toasts />
    </>
  );
}

function Header({ current }: { current: string }) {
  const now = useValue(state);
  return (
    <header class="top">
      <strong class="name">{now?.name ?? "Tacit"}</strong>
      <nav aria-label="Pages">
        {Object.entries(PAGES).map(([name, { title, key }]) => (
          <Link key={name} href={`/${name}`} current={current === name}>
            {title}
            {key && <Key action={key} />}
          </Link>
        ))}
      </nav>
      <div class="standing">
        <span class="counts" aria-live="off">
          {now?.ready && `${count(now.items, "item")}, ${number(now.labeled)} labelled, ${now.yardstick ? `yardstick ${number(now.yardstick_labeled)} of ${number(now.yardstick)}` : "no yardstick"}`}
        </span>
        <span class="jobs">{now?.jobs.filter((job) => job.status === "running").map((job) => <JobLine key={job.id} job={job} />)}</span>
      </div>
    </header>
  );
}

function Banners() {
  const now = useValue(state);
  const here = useValue(online);
  const unsent = useValue(outbox);
  const left = useValue(elsewhere);
  const name = useValue(other);
  const hidden = useValue(away);
  const shown = now?.banners.filter((one) => !hidden.includes(one.id + one.text)) ?? [];
  return (
    <div class="banners" role="status">
      {!here && (
        <p class="banner warning">
          {name
            ? `This page shows ${now?.name}, but ${name} is served at this address now. `
            : "The server does not answer. Go on labelling: "}
          {unsent === 0 ? "answers" : count(unsent, "answer")} will be kept in this browser and sent when
          {name ? ` ${now?.name} is served here again. ` : " it is back."}
          {name && <button onClick={() => location.reload()}>Show {name}</button>}
        </p>
      )}
      {here && left > 0 && (
        <p class="banner info">
          {count(left, "answer")} to another project {left === 1 ? "waits" : "wait"} in this browser, to be sent when that is served at this address again.
        </p>
      )}
      {shown.map((one) => (
        <p key={one.id} class={`banner ${one.kind}`}>
          {one.text} {one.action && <Link href={one.action}>Go there</Link>}
          <button class="quiet" aria-label="Put this message away" onClick={() => (away.value = [...hidden, one.id + one.text].slice(-50))}>
            ×
          </button>
        </p>
      ))}
    </div>
  );
}

function Opening({ reason }: { reason?: string }) {
  return <p class="opening">{reason ?? "Connecting"}…</p>;
}

function Toasts() {
  const shown = useValue(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map((one) => (
        <p key={one.id} class={`toast ${one.kind}`}>{one.text}</p>
      ))}
    </div>
  );
}
