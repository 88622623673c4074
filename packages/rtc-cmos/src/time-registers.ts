/** Between the chip's time, calendar and alarm bytes and numbers, in the mode that register B selects. */
import { type CivilTime, fromSeconds, SECONDS_PER_DAY, toSeconds } from './calendar.js';
import {
  B,
  CENTURY,
  DAY_OF_MONTH,
  DAY_OF_WEEK,
  DONT_CARE,
  HOURS,
  HOURS_ALARM,
  MINUTES,
  MINUTES_ALARM,
  MONTH,
  PM,
  SECONDS,
  SECONDS_ALARM,
  YEAR,
} from './spec.js';

/** The bytes that follow the clock, all of which `renderTime` writes. */
export const TIME_REGISTERS: ReadonlySet<number> = new Set([SECONDS, MINUTES, HOURS, DAY_OF_WEEK, DAY_OF_MONTH, MONTH, YEAR, CENTURY]);
export const ALARM_REGISTERS: ReadonlySet<number> = new Set([SECONDS_ALARM, MINUTES_ALARM, HOURS_ALARM]);

/** Writes the time into the bytes that show it. */
export function renderTime(seconds: number, cells: Uint8Array): void {
  const mode = cells[B.offset] ?? 0;
  const time = fromSeconds(seconds);
  cells[SECONDS] = encode(time.second, mode);
  cells[MINUTES] = encode(time.minute, mode);
  cells[HOURS] = encodeHour(time.hour, mode);
  cells[DAY_OF_WEEK] = encode(time.weekday, mode);
  cells[DAY_OF_MONTH] = encode(time.day, mode);
  cells[MONTH] = encode(time.month, mode);
  cells[YEAR] = encode(time.year % 100, mode);
  cells[CENTURY] = encode(Math.floor(time.year / 100) % 100, mode);
}

/** The seconds since 1970 that the bytes show. The weekday follows from the date. */
export function parseTime(cells: Uint8Array): number {
  const mode = cells[B.offset] ?? 0;
  const at = (index: number): number => decode(cells[index] ?? 0, mode);
  const time: Omit<CivilTime, 'weekday'> = {
    year: at(CENTURY) * 100 + at(YEAR),
    month: at(MONTH),
    day: at(DAY_OF_MONTH),
    hour: decodeHour(cells[HOURS] ?? 0, mode),
    minute: at(MINUTES),
    second: at(SECONDS),
  };
  return toSeconds(time);
}

/** Seconds from `seconds` to the next time that the alarm bytes match, 1 to 86,400; infinity if they never do. */
export function secondsUntilAlarm(seconds: number, cells: Uint8Array): number {
  const mode = cells[B.offset] ?? 0;
  const hours = matching(cells[HOURS_ALARM] ?? 0, 24, (hour) => encodeHour(hour, mode));
  const minutes = matching(cells[MINUTES_ALARM] ?? 0, 60, (minute) => encode(minute, mode));
  const ofMinute = matching(cells[SECONDS_ALARM] ?? 0, 60, (second) => encode(second, mode));
  const now = ((seconds % SECONDS_PER_DAY) + SECONDS_PER_DAY) % SECONDS_PER_DAY;
  const next = firstAfter(now, hours, minutes, ofMinute);
  return next > now ? next - now : firstAfter(-1, hours, minutes, ofMinute) + SECONDS_PER_DAY - now;
}

/** The first second of the day after `now` that is made of these; -1 when there is none after it, infinity when there is none at all. */
function firstAfter(now: number, hours: readonly number[], minutes: readonly number[], seconds: readonly number[]): number {
  if (hours.length === 0 || minutes.length === 0 || seconds.length === 0) return Number.POSITIVE_INFINITY;
  const last = seconds.at(-1) ?? 0;
  for (const hour of hours)
    for (const minute of minutes) {
      const start = hour * 3600 + minute * 60;
      if (start + last > now) return start + (seconds.find((second) => start + second > now) ?? last);
    }
  return -1;
}

function matching(alarm: number, count: number, show: (value: number) => number): number[] {
  const values = Array.from({ length: count }, (_, value) => value);
  return (alarm & DONT_CARE) === DONT_CARE ? values : values.filter((value) => show(value) === alarm);
}

const encode = (value: number, mode: number): number => (B.DM.test(mode) ? value : (Math.floor(value / 10) << 4) | (value % 10));

const decode = (byte: number, mode: number): number => (B.DM.test(mode) ? byte : (byte >> 4) * 10 + (byte & 0x0f));

function encodeHour(hour: number, mode: number): number {
  if (B.H24.test(mode)) return encode(hour, mode);
  return encode(hour % 12 || 12, mode) | (hour >= 12 ? PM : 0);
}

function decodeHour(byte: number, mode: number): number {
  const hour = decode(byte & ~PM, mode);
  return B.H24.test(mode) ? hour : (hour % 12) + ((byte & PM) !== 0 ? 12 : 0);
}
