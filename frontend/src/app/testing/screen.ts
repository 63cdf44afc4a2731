import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { Type, signal } from '@angular/core';
import { DeferBlockBehavior, TestBed } from '@angular/core/testing';
import { Router, provideRouter, withComponentInputBinding } from '@angular/router';
import { RouterTestingHarness } from '@angular/router/testing';
import { Subject } from 'rxjs';
import type { LiveEvent, LiveProgress, SessionOut } from '../api/types.gen';
import { Live } from '../core/live';
import { Session } from '../core/session';

/** A screen under test: what the API is asked, what it answers, what is then shown. */
export class Screen {
  readonly http = TestBed.inject(HttpTestingController);

  constructor(
    private readonly harness: RouterTestingHarness,
    readonly events: Subject<LiveEvent>,
  ) {}

  get element(): HTMLElement {
    return this.harness.routeNativeElement as HTMLElement;
  }

  get url(): string {
    return TestBed.inject(Router).url;
  }

  async settle(): Promise<void> {
    this.harness.detectChanges();
    await new Promise((resolve) => setTimeout(resolve));
    this.harness.detectChanges();
  }

  /** Answer the one request for this address. */
  async answer(url: string, body: object, status = 200): Promise<void> {
    this.http.expectOne(`/api/v1${url}`).flush(body, { status, statusText: String(status) });
    await this.settle();
  }

  /** What is read, with a space between elements. */
  text(selector?: string): string {
    const place = selector ? this.element.querySelector(selector) : this.element;
    return place ? textOf(place) : '';
  }

  /** What each of these elements says. */
  texts(selector: string): readonly string[] {
    return [...this.element.querySelectorAll(selector)].map(textOf);
  }

  /** The panel with this heading. */
  panel(heading: string): string {
    return this.text(`section[aria-label="${heading}"]`);
  }

  async click(name: string): Promise<void> {
    const buttons = [...this.element.querySelectorAll('button, a')] as HTMLElement[];
    const found = buttons.find((button) => textOf(button) === name);
    if (!found) throw new Error(`no button ${name}: ${buttons.map(textOf).join(' | ')}`);
    found.click();
    await this.settle();
  }
}

/** Open a screen under an address as somebody who may do so much; what it defers is not shown. */
export async function openScreen(
  component: Type<unknown>,
  path: string,
  address: string,
  scope: SessionOut['scope'] = 'admin',
): Promise<Screen> {
  const events = new Subject<LiveEvent>();
  const progress = signal<ReadonlyMap<number, LiveProgress>>(new Map());
  TestBed.configureTestingModule({
    deferBlockBehavior: DeferBlockBehavior.Manual,
    providers: [
      provideHttpClient(),
      provideHttpClientTesting(),
      provideRouter([{ path, component }], withComponentInputBinding()),
      { provide: Live, useValue: { events, progress, connection: signal('live') } },
    ],
  });
  const asked = TestBed.inject(Session).ask();
  const who: SessionOut = { name: 'ada', scope, method: 'local', expires_at: null };
  TestBed.inject(HttpTestingController).expectOne('/api/v1/session').flush(who);
  await asked;
  const harness = await RouterTestingHarness.create(address);
  const screen = new Screen(harness, events);
  await screen.settle();
  return screen;
}

function textOf(element: Element): string {
  return element.innerHTML
    .replace(/<!--.*?-->/gs, '')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')
    .trim();
}
