/**
 * What is done at the end of a turn of the event loop: when all that was there to be
 * read from sockets has been read.
 *
 * @module
 */

/** Something to be done. */
export interface Task {
  run(): void;
}

let waiting: Task[] = [];

/** Runs `task` at the end of this turn, after those that were given before. What it throws ends the process, as in a timer. */
export function afterReading(task: Task): void {
  if (waiting.length === 0) setImmediate(runAll);
  waiting.push(task);
}

function runAll(): void {
  const tasks = waiting;
  waiting = [];
  for (const task of tasks) task.run();
}
