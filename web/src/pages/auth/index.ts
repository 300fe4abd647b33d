export { Invitation } from './Invitation'
export { Setup } from './Setup'
export { SignIn } from './SignIn'
