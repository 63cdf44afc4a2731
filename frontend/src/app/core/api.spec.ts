import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { Api, Refused, apiUrl, load } from './api';
import { problemOf } from './problem';

const PROBLEM = {
  type: 'about:blank',
  title: 'Not found',
  status: 404,
  detail: 'there is no run 7',
  instance: '/api/v1/runs/7',
  code: 'run.unknown',
  hint: 'trade-ingest runs lists them',
  retryable: false,
  errors: [],
  request_id: 'abc',
};

function testing(): HttpTestingController {
  TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting()] });
  return TestBed.inject(HttpTestingController);
}

describe('apiUrl', () => {
  it('leaves out what is empty, repeats lists and encodes', () => {
    const query = {
      state: ['failed', 'loaded'],
      source: 'a b&c',
      from: '',
      to: undefined,
      none: null,
      n: 0,
    };

    expect(apiUrl('/files', query)).toBe('/api/v1/files?state=failed%2Cloaded&source=a+b%26c&n=0');
    expect(apiUrl('/runs')).toBe('/api/v1/runs');
  });
});

describe('load', () => {
  it('keeps the last answer while it is read again, and when that fails', async () => {
    const http = testing();
    const data = TestBed.runInInjectionContext(() => load<number[]>(() => '/api/v1/x'));
    TestBed.tick();
    expect([data.hasValue(), data.isLoading()]).toEqual([false, true]);

    http.expectOne('/api/v1/x').flush([1]);
    await settle();
    expect([data.value(), data.problem(), data.isLoading()]).toEqual([[1], undefined, false]);
    const at = data.loadedAt();

    data.reload();
    TestBed.tick();
    expect([data.value(), data.isLoading()]).toEqual([[1], true]);
    http.expectOne('/api/v1/x').flush(PROBLEM, { status: 404, statusText: 'Not Found' });
    await settle();
    expect([data.value(), data.problem()?.code, data.loadedAt()]).toEqual([[1], 'run.unknown', at]);
  });

  it('forgets the answer of another address', async () => {
    const http = testing();
    const address = signal('/api/v1/a');
    const data = TestBed.runInInjectionContext(() => load<string>(address));
    TestBed.tick();
    http.expectOne('/api/v1/a').flush('"a"');
    await settle();

    address.set('/api/v1/b');
    TestBed.tick();

    expect([data.value(), data.hasValue()]).toEqual([undefined, false]);
    http.expectOne('/api/v1/b').flush('"b"');
    await settle();
    expect(data.value()).toBe('"b"');
  });
});

describe('load about a subject', () => {
  it('keeps the answer of an address before while it is about the same', async () => {
    const http = testing();
    const [address, subject] = [signal('/api/v1/a'), signal('day')];
    const data = TestBed.runInInjectionContext(() => load<string>(address, subject));
    TestBed.tick();
    http.expectOne('/api/v1/a').flush('"a"');
    await settle();
    expect(data.value()).toBe('"a"');

    address.set('/api/v1/b');
    TestBed.tick();
    expect(data.value()).toBe('"a"');
    http.expectOne('/api/v1/b').flush(PROBLEM, { status: 404, statusText: 'Not Found' });
    await settle();
    expect([data.value(), data.problem()?.code]).toEqual(['"a"', 'run.unknown']);

    subject.set('week');
    TestBed.tick();
    expect(data.value()).toBe(undefined);
  });
});

describe('Api', () => {
  it('throws what the API says', async () => {
    const http = testing();
    const answer = TestBed.inject(Api).post('/runs', { sources: ['x'] }, 'the-key');
    const request = http.expectOne('/api/v1/runs');
    expect([request.request.body, request.request.headers.get('Idempotency-Key')]).toEqual([
      { sources: ['x'] },
      'the-key',
    ]);
    request.flush(PROBLEM, { status: 404, statusText: 'Not Found' });

    const error = await answer.catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(Refused);
    expect((error as Refused).problem).toEqual(PROBLEM);
  });

  it('says so when no server answers', async () => {
    const http = testing();
    const answer = TestBed.inject(Api).get('/runs');
    http.expectOne('/api/v1/runs').error(new ProgressEvent('error'));

    const error = await answer.catch((thrown: unknown) => thrown);

    expect((error as Refused).problem).toMatchObject({
      code: 'server.unreachable',
      retryable: true,
    });
  });

  it('makes a problem of anything', () => {
    expect(problemOf(new Error('odd'))).toMatchObject({ code: 'dashboard.failed', detail: 'odd' });
  });
});

async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  TestBed.tick();
}
