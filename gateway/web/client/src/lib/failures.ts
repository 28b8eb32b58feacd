/** A failure that is told to people by its message, as it stands. */
export class PlainFailure extends Error {
  override name = "PlainFailure";
}

/** Somebody went back instead of going on: nothing was done, and nothing is to be said. */
export class Cancelled extends Error {
  override name = "Cancelled";
}
