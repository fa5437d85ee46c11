/** Why there is no answer. */

/** What a refusal says. */
export class Refused extends Error {
  /**
   * @param {string} error
   * @param {string} hint
   * @param {string[]} nearest
   */
  constructor(error, hint, nearest) {
    super(error);
    this.hint = hint;
    this.nearest = nearest;
  }
}

/** The server doesn't answer. */
export class Gone extends Error {}
