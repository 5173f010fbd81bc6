/* SPDX-License-Identifier: Apache-2.0 */
/* nothing - a program that ends at once; linked statically, it starts as fast as one can. */
int main(void)
{
	return 0;
}
