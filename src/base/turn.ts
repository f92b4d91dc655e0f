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

/** Has things done later. */
export interface Turn {
  /** Runs `task` after those that were given before. */
  atEnd(task: Task): void;
}

/** The turns of this process. What a task throws ends the process, as in a timer. */
export class LoopTurn implements Turn {
  #tasks: Task[] = [];

  atEnd(task: Task): void {
    if (this.#tasks.length === 0) setImmediate(() => this.#runAll());
    this.#tasks.push(task);
  }

  #runAll(): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task.run();
  }
}
