// The two ways in which a question has no answer.

// Refused on purpose, with a code of annex B.
export class Refused extends Error {
  constructor(code) { super(code); this.code = code; }
}

// What a published build did instead of answering: "exception", "no id" or "endless loop".
export class Failure extends Error {}
