// Jobs with their logs: what runs, how far it is, how to stop it and how to go on.
import { useEffect, useState } from "preact/hooks";
import { get, post } from "../api";
import { complain, refresh, state, useValue } from "../store";
import type { Get, Job } from "../types";
import { JobLine } from "./job";
import { lasting } from "./parts";

const WORDS: Record<Job["status"], string> = {
  waiting: "waits for the one before it", running: "running", stopping: "stopping: it saves first", finished: "finished",
  failed: "failed", stopped: "stopped; what it had learned is saved",
};
const EVERY = 2000; // milliseconds between looks at an open log

export function JobList({ empty }: { empty: string }) {
  const jobs = useValue(state)?.jobs ?? [];
  return jobs.length ? <ul class="job-list">{jobs.map((job) => <JobPanel key={job.id} job={job} />)}</ul> : <p class="note">{empty}</p>;
}

function JobPanel({ job }: { job: Job }) {
  const [open, setOpen] = useState(job.status === "failed");
  const act = (what: "stop" | "resume"): void => void post(`/api/jobs/${job.id}/${what}`).then(refresh, complain);
  const goes = job.status === "running" || job.status === "waiting";
  return (
    <li class={`panel ${job.status}`}>
      <div class="row">
        {goes ? <JobLine job={job} /> : <strong>tacit {job.words.join(" ")}</strong>}
        <span>{WORDS[job.status]}{job.began && job.ended ? `, ${lasting(job.ended - job.began)}` : ""}</span>
        {goes && <button onClick={() => act("stop")} aria-label={`Stop ${job.verb} ${job.run ?? ""}`}>Stop</button>}
        {job.resumable && <button onClick={() => act("resume")} aria-label={`Resume ${job.run ?? job.verb}`}>Go on</button>}
        <button class="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? "Hide log" : "Log"}</button>
      </div>
      {job.said && <p class="note said">{job.said.replace(/\s*\n\s*/g, " – ")}</p>}
      {open && <Log id={job.id} live={goes} />}
    </li>
  );
}

function Log({ id, live }: { id: number; live: boolean }) {
  const [lines, setLines] = useState<string[] | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const look = (): void => void get<Get<"JobDetails">>(`/api/jobs/${id}`, {}, stop.signal).then((found) => setLines(found.log), complain);
    look();
    const timer = live ? setInterval(look, EVERY) : undefined;
    return () => (stop.abort(), clearInterval(timer));
  }, [id, live]);
  return <pre class="log" tabIndex={0} aria-label="Log">{lines === null ? "…" : lines.join("\n") || "It has said nothing yet."}</pre>;
}
