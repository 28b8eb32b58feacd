/** A day as people choose it, 2026-11-26, where they are; and the moments at which it begins and ends. */

export function beginOf(day: string): string {
  return new Date(`${day}T00:00`).toISOString();
}

export function endOf(day: string): string {
  const next = new Date(`${day}T00:00`);
  next.setDate(next.getDate() + 1);
  return next.toISOString();
}
