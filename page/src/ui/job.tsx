// A job in one line, wherever one is shown.
import type { Job } from "../types";
import { lasting } from "./parts";

export function JobLine({ job }: { job: Job }) {
  const share = job.step !== null && job.steps ? job.step / job.steps : null;
  return (
    <span class="job" title={job.said}>
      {job.run ?? `tacit ${job.words.join(" ")}`}
      {share !== null ? <progress value={share} max={1} aria-label={`${job.verb}: step ${job.step} of ${job.steps}`} /> : " …"}
      {job.eta !== null && <small>{lasting(job.eta)} left</small>}
    </span>
  );
}
