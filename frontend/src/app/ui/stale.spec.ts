import { Component, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { Clock } from '../core/clock';
import { Live } from '../core/live';
import { Stale } from './stale';

const READ_AT = new Date('2026-03-04T09:00:00Z');
const connection = signal('live');
const now = signal(READ_AT.getTime());
const problem = signal<object | undefined>(undefined);

@Component({ imports: [Stale], template: '<app-stale [data]="data" />' })
class Host {
  readonly data = { loadedAt: () => READ_AT, problem } as never;
}

function said(): string {
  TestBed.configureTestingModule({
    providers: [
      { provide: Live, useValue: { connection } },
      { provide: Clock, useValue: { now } },
    ],
  });
  const fixture = TestBed.createComponent(Host);
  fixture.detectChanges();
  return (fixture.nativeElement as HTMLElement).textContent.trim();
}

beforeEach(() => {
  connection.set('live');
  now.set(READ_AT.getTime() + 60_000);
  problem.set(undefined);
});

it('says nothing while news come', () => {
  expect(said()).toBe('');
});

it('says how old it is when it could not be read again', () => {
  problem.set({});
  expect(said()).toMatch(/^stale, as of /);
});

it('says how old it is when no news come, but not at once', () => {
  connection.set('reconnecting');
  expect(said()).toMatch(/^stale, as of /);
  TestBed.resetTestingModule();
  now.set(READ_AT.getTime() + 5_000);
  expect(said()).toBe('');
});
