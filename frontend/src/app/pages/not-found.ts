import { Component } from '@angular/core';
import { RouterLink } from '@angular/router';

/** No screen has this address. */
@Component({
  imports: [RouterLink],
  template: `
    <h1>There is no such page</h1>
    <p>Begin at the <a class="underlined" routerLink="/">overview</a>.</p>
  `,
})
export default class NotFound {}
