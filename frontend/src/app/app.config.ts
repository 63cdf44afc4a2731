import { provideHttpClient, withInterceptors } from '@angular/common/http';
import {
  ApplicationConfig,
  provideBrowserGlobalErrorListeners,
  provideEnvironmentInitializer,
} from '@angular/core';
import {
  TitleStrategy,
  provideRouter,
  withComponentInputBinding,
  withInMemoryScrolling,
} from '@angular/router';
import { routes } from './app.routes';
import { scrollPages } from './core/page-scroll';
import { PageTitle } from './core/page-title';
import { signInAgain } from './core/session';

export const appConfig: ApplicationConfig = {
  providers: [
    provideBrowserGlobalErrorListeners(),
    provideHttpClient(withInterceptors([signInAgain])),
    provideRouter(routes, withComponentInputBinding(), withInMemoryScrolling()),
    provideEnvironmentInitializer(scrollPages),
    { provide: TitleStrategy, useClass: PageTitle },
  ],
};
