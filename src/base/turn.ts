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
  /** Runs `task` at the end of this turn, after those that were given before; one that is given by a task, at the end of the next. */
  atEnd(task: Task): void;
  /** Runs `task` after all sockets have been looked at once more: at the end of the next turn. */
  atNextEnd(task: Task): void;
}

/** The turns of this process. What a task throws ends the process, as in a timer. */
export class LoopTurn implements Turn {
  /** For the end that comes next. */
  #tasks: Task[] = [];
  /** For the one after. */
  #later: Task[] = [];
  #isAwaited = false;
  #isRunning = false;

  atEnd(task: Task): void {
    this.#tasks.push(task);
    this.#await();
  }

  atNextEnd(task: Task): void {
    if (this.#isRunning) this.#tasks.push(task);
    else this.#later.push(task);
    this.#await();
  }

  #await(): void {
    if (this.#isAwaited) return;
    this.#isAwaited = true;
    setImmediate(() => this.#runAll());
  }

  #runAll(): void {
    const tasks = this.#tasks;
    this.#tasks = this.#later;
    this.#later = [];
    this.#isAwaited = false;
    if (this.#tasks.length > 0) this.#await();
    this.#isRunning = true;
    for (const task of tasks) task.run();
    this.#isRunning = false;
  }
}
