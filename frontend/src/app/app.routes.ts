import { Routes } from '@angular/router';

/** Each screen is loaded when it is first opened; its filters are query parameters. */
export const routes: Routes = [
  { path: '', title: 'Overview', loadComponent: () => import('./pages/overview/overview') },
  { path: 'runs', title: 'Runs', loadComponent: () => import('./pages/runs/runs') },
  {
    path: 'runs/compare',
    title: 'Compare runs',
    loadComponent: () => import('./pages/runs/compare'),
  },
  { path: 'runs/:run_id', title: 'Run', loadComponent: () => import('./pages/run/run') },
  { path: 'files', title: 'Files', loadComponent: () => import('./pages/files/files') },
  { path: 'files/:file_id', title: 'File', loadComponent: () => import('./pages/file/file') },
  { path: 'rejects', title: 'Rejects', loadComponent: () => import('./pages/rejects/rejects') },
  { path: 'trades', title: 'Trades', loadComponent: () => import('./pages/trades/trades') },
  {
    path: 'contracts',
    title: 'Contracts',
    loadComponent: () => import('./pages/contracts/contracts'),
  },
  {
    path: 'contracts/:name',
    title: 'Contract',
    loadComponent: () => import('./pages/contracts/contract'),
  },
  { path: 'system', title: 'System', loadComponent: () => import('./pages/system/system') },
  { path: '**', title: 'Not found', loadComponent: () => import('./pages/not-found') },
];
